package sealed_test

import (
	"crypto/aes"
	"crypto/cipher"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestFIPS runs tests of this package where only approved algorithms work, in a
// process of its own, since that is decided when a process starts.
func TestFIPS(t *testing.T) {
	const tests = "^(TestApprovedOnly|TestSecret|TestImmutable|TestKeyRing|TestTampered|TestSwapped|TestManager)$"
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.run", tests)
	cmd.Env = append(os.Environ(), "GODEBUG=fips140=only", "SEALED_TEST_FIPS=1")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "--- PASS: TestApprovedOnly")
	require.Contains(t, string(out), "--- PASS: TestKeyRing")
}

// TestApprovedOnly sees that the process which TestFIPS starts is strict.
func TestApprovedOnly(t *testing.T) {
	block, err := aes.NewCipher(secret(1))
	require.NoError(t, err)
	_, err = cipher.NewGCM(block)
	if os.Getenv("SEALED_TEST_FIPS") != "" {
		require.Error(t, err, "arbitrary nonces are allowed here")
	} else {
		require.NoError(t, err)
	}
}
