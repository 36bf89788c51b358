// Command dashboard draws what an operator sees of a program that uses sesame: it
// serves a shop to a crowd of visitors, with sessions in a file, slows the store
// down and breaks it for a while, and draws the metrics that package sesameotel
// has reported of that.
//
//	go run ./internal/dashboard -out ../../docs/img
//
// writes otel-light.svg and otel-dark.svg.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

func main() {
	out := flag.String("out", ".", "the `directory` for the pictures")
	length := flag.Duration("for", 150*time.Second, "how long the run lasts")
	flag.Parse()
	samples, phases, err := run(*length, 2*time.Second)
	if err != nil {
		log.Fatal(err)
	}
	f := figure(samples, phases)
	f.footer = fmt.Sprintf("A run of %s on %d processors, %s %s/%s: go run ./internal/dashboard, in adapters/otel", *length, runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	for name, theme := range map[string]theme{"light": light, "dark": dark} {
		if err := os.WriteFile(filepath.Join(*out, "otel-"+name+".svg"), f.svg(theme), 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

// figure chooses what is worth looking at.
func figure(samples []sample, phases []phase) figureOf {
	f := figureOf{title: "Sessions of a shop", phases: phases, end: samples[len(samples)-1].at}
	f.panels = []panel{
		{title: "Sessions", unit: "live", lines: []line{
			{"in the store", values(samples, func(s sample) float64 { return s.live })},
		}},
		{title: "Sessions begun and ended", unit: "per second", lines: append([]line{
			{"created", rate(samples, func(s sample) float64 { return s.created })},
		}, rates(samples, func(s sample) map[string]float64 { return s.ended }, "destroyed", "revoked", "expired")...)},
		{title: "Calls of the store", unit: "per second", lines: rates(samples, func(s sample) map[string]float64 { return s.calls }, "load", "save", "delete", "delete_owned")},
		{title: "Store latency, mean", unit: "milliseconds", log: true, lines: latencies(samples, "load", "save", "delete")},
		{title: "Events to look at", unit: "per second", lines: rates(samples, func(s sample) map[string]float64 { return s.events }, "unknown_token", "conflict", "store_error")},
		{title: "Failed calls of the store", unit: "per second", lines: rates(samples, func(s sample) map[string]float64 { return s.failed }, "load", "save", "delete")},
	}
	return f
}
