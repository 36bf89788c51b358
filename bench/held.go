package bench

import (
	"fmt"
	"io"
	"runtime"
)

// Held measures the heap that each live session takes, for the libraries that keep
// sessions in memory: in bytes and in objects, after garbage collection.
func (p Plan) Held(w io.Writer, sessions int) error {
	for _, e := range Entries {
		if e.Store != "memory" || e.Floor || e.Lib == "gorilla-cookie" || e.inFramework() || e.Lib != Base && !chosen(p.Libs, e.Lib) {
			continue
		}
		for _, s := range Sessions {
			if s.IsLarge() || !chosen(p.Sizes, s.Name()) {
				continue
			}
			_, _ = fmt.Fprintf(p.Progress, "memory held, %s, %s\n", e.Lib, s.Name())
			bytes, objects, err := e.held(s, p.Place, sessions)
			if err != nil {
				return fmt.Errorf("bench: %s: %w", e.Title, err)
			}
			_, err = fmt.Fprintf(w, "BenchmarkHeld/lib=%s/store=%s/size=%s-%d\t%d\t%.0f B/session\t%.2f objects/session\n",
				e.Lib, e.Store, s.Name(), runtime.GOMAXPROCS(0), sessions, bytes, objects)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (e Entry) held(s Session, p Place, sessions int) (bytes, objects float64, err error) {
	site, err := e.Open(s, p)
	if err != nil {
		return 0, 0, err
	}
	client := site.Client(Create)
	client.Do("") // what is there once
	before := heap()
	for range sessions {
		client.Do("")
	}
	after := heap()
	runtime.KeepAlive(site)
	n := float64(sessions)
	return (float64(after.HeapAlloc) - float64(before.HeapAlloc)) / n,
		(float64(after.HeapObjects) - float64(before.HeapObjects)) / n, site.Close()
}

func heap() (m runtime.MemStats) {
	runtime.GC()
	runtime.GC() // what pools have kept through the first
	runtime.ReadMemStats(&m)
	return m
}
