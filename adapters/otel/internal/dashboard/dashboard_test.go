package main

import (
	"encoding/xml"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestDashboard: a short run has what the charts are about, and is drawn.
func TestDashboard(t *testing.T) {
	samples, phases, err := run(3*time.Second, 100*time.Millisecond)
	require.NoError(t, err)
	last := samples[len(samples)-1]
	require.Positive(t, last.live)
	require.Positive(t, last.created)
	require.Positive(t, last.calls["load"])
	require.Positive(t, last.seconds["save"])
	require.Positive(t, last.failed["load"])
	require.Positive(t, last.events["store_error"])
	require.Len(t, phases, 2)

	f := figure(samples, phases)
	require.Len(t, f.panels, 6)
	for _, theme := range []theme{light, dark} {
		svg := string(f.svg(theme))
		require.NotContains(t, svg, "NaN")
		require.NotContains(t, svg, "Inf")
		for _, p := range f.panels {
			require.Contains(t, svg, p.title)
		}
		for decoder := xml.NewDecoder(strings.NewReader(svg)); ; {
			if _, err = decoder.Token(); err != nil {
				break
			}
		}
		require.ErrorIs(t, err, io.EOF, "it is well-formed")
	}
}
