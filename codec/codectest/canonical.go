package codectest

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"github.com/sesame-go/sesame/codec"
)

func checkCanonical(r *report, c codec.Codec) {
	for _, s := range samples {
		if s.name == "times" {
			continue // it contains the current time
		}
		first := s.make(inOrder())
		want, ok, _ := s.encode(c, first)
		if !ok {
			continue
		}
		for range 200 {
			if got, err := encode(c, first); err != nil || !bytes.Equal(got, want) {
				r.errorf("%s: the same value, encoded again, gives\n%q instead of\n%q (error %v)", s.name, got, want, err)
				break
			}
			equal := s.make(rand.Perm(entries))
			if got, err := encode(c, equal); err != nil || !bytes.Equal(got, want) {
				r.errorf("%s: an equal value gives\n%q instead of\n%q (error %v)", s.name, got, want, err)
				break
			}
		}
	}
	// The monotonic clock reading is not part of a session.
	now := time.Now()
	a, err1 := encode(c, &struct{ T time.Time }{now})
	b, err2 := encode(c, &struct{ T time.Time }{now.Round(0)})
	if err1 != nil || err2 != nil || !bytes.Equal(a, b) {
		r.errorf("a time with and without its monotonic clock reading gives %q and %q", a, b)
	}
}

// childEnv holds the name of the test in which a child process prints its
// fingerprints.
const childEnv = "SESAME_CODECTEST_CHILD"

func checkProcesses(r *report, c codec.Codec) {
	if r.test == "" {
		return
	}
	if os.Getenv(childEnv) == r.test {
		// A codec that numbers types as it meets them numbers them differently here.
		for i := len(samples) - 1; i >= 0; i-- {
			_, _ = encode(c, samples[i].make(inOrder()))
		}
		_, _ = encode(c, &struct{ Other map[string]map[Word][]Point }{})
		fmt.Printf("\n%s%s\n", childPrefix, fingerprints(c))
		return
	}

	// The child process runs this same test, in the test binary that called Run.
	elems := strings.Split(r.test, "/")
	for i, e := range elems {
		elems[i] = "^" + regexp.QuoteMeta(e) + "$"
	}
	exe, err := os.Executable()
	if err != nil {
		r.errorf("cannot run a second process: %v", err)
		return
	}
	want := fingerprints(c)
	for range 2 {
		cmd := exec.Command(exe, "-test.run="+strings.Join(elems, "/"), "-test.count=1", "-test.parallel=1")
		cmd.Env = append(os.Environ(), childEnv+"="+r.test)
		out, err := cmd.CombinedOutput()
		_, got, ok := strings.Cut(string(out), childPrefix)
		got, _, _ = strings.Cut(got, "\n")
		switch {
		case !ok:
			r.errorf("the second process failed: %v\n%s", err, out)
		case strings.TrimSpace(got) != want:
			r.errorf("a second process encodes these differently: %s", difference(want, got))
		}
	}
}

const childPrefix = "codectest fingerprints: "

// fingerprints are the hashes of all samples' encodings.
func fingerprints(c codec.Codec) string {
	var prints []string
	for _, s := range samples {
		if s.name == "times" {
			continue
		}
		data, err := encode(c, s.make(inOrder()))
		if err != nil {
			data = nil
		}
		prints = append(prints, fmt.Sprintf("%x", sha256.Sum256(data))[:16])
	}
	return strings.Join(prints, " ")
}

func difference(want, got string) string {
	var names []string
	w, g := strings.Fields(want), strings.Fields(got)
	i := 0
	for _, s := range samples {
		if s.name == "times" {
			continue
		}
		if i >= len(g) || w[i] != g[i] {
			names = append(names, s.name)
		}
		i++
	}
	return strings.Join(names, ", ")
}
