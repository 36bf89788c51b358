package natsstore

import (
	"strings"
	"testing"
)

// TestServerVersion is here, and not in natstest, because no old server can be
// had there.
func TestServerVersion(t *testing.T) {
	for version, good := range map[string]bool{
		"2.9.10": false, "2.10.27": false, "1.4.1": false,
		"2.11.0": true, "2.12.1-preview.1": true, "2.15.2": true, "3.0.0": true,
		"": true, "dev": true, // not connected, or unknown: the bucket tells
	} {
		err := checkServer(version)
		if good != (err == nil) {
			t.Errorf("checkServer(%q) = %v", version, err)
		}
		if err != nil && (!strings.Contains(err.Error(), version) || !strings.Contains(err.Error(), "2.11")) {
			t.Errorf("checkServer(%q) = %v: it does not say what is needed", version, err)
		}
	}
}
