package bench

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"

	"github.com/sesame-go/sesame/bench/internal/measure"
)

// Plan is what is compared. Empty lists are all there is.
type Plan struct {
	Libs, Stores, Sizes []string
	Ops                 []Op
	Rounds              int           // how often each takes its turn
	Slice               time.Duration // the length of a turn; twice as long if the store is not in memory
	Clients             int           // at once, where the store is not in memory
	Place               Place
	Progress            io.Writer
}

// chosen says whether a list has v, or nothing, which is everything.
func chosen[V comparable](list []V, v V) bool { return len(list) == 0 || slices.Contains(list, v) }

// Compare runs the plan and writes the results as go test -bench does: a line
// of each round for each library. Those with the same store, op and size take
// turns.
func (p Plan) Compare(w io.Writer) error {
	for _, store := range Stores {
		for _, s := range Sessions {
			for _, op := range Ops {
				if !chosen(p.Stores, store) || !chosen(p.Sizes, s.Name()) || !chosen(p.Ops, op) {
					continue
				}
				_, _ = fmt.Fprintf(p.Progress, "%s, %s, %s\n", store, s.Name(), op)
				if err := p.cell(w, store, s, op); err != nil {
					return fmt.Errorf("bench: %s, %s, %s: %w", store, s.Name(), op, err)
				}
			}
		}
	}
	return nil
}

// cell compares libraries that do the same.
func (p Plan) cell(w io.Writer, store string, s Session, op Op) error {
	var subjects []measure.Subject
	var loads []*Load
	var sites ioClosers
	var settles time.Duration
	for _, e := range Entries {
		if e.Store != store || !e.Does(op, s) || e.Lib != Base && !chosen(p.Libs, e.Lib) {
			continue
		}
		site, err := e.Open(s, p.Place)
		if err != nil {
			return fmt.Errorf("%s: %w", e.Title, err)
		}
		i := len(sites)
		sites = append(sites, site)
		clients := p.clients(store, op)
		load := NewLoad(site, op, clients)
		loads = append(loads, load)
		prepare := load.Prepare
		if op == Create && store == "memory" {
			prepare = func(int) {
				site = p.reopen(site, e, s)
				sites[i], *load = site, *NewLoad(site, op, clients)
			}
		}
		if op == Read {
			settles = max(settles, e.Settles)
		}
		subjects = append(subjects, measure.Subject{Name: name(e, op, s), Least: 4 * (clients - 1), Prepare: prepare, Run: load.Run})
	}
	time.Sleep(settles)
	for i, slices := range measure.Rounds(subjects, p.Rounds, p.slice(store)) {
		for _, slice := range slices {
			_, err := fmt.Fprintf(w, "%s\t%d\t%.5g ns/op\t%.5g cpu-ns/op\t%.5g B/op\t%.5g allocs/op", subjects[i].Name, slice.N,
				slice.Per(float64(slice.Wall)), slice.Per(float64(slice.CPU)), slice.Per(float64(slice.Bytes)), slice.Per(float64(slice.Allocs)))
			if err != nil {
				return err
			}
			if op == Together {
				_, _ = fmt.Fprintf(w, "\t%d survived", loads[i].Survivors())
			}
			_, _ = fmt.Fprintln(w)
		}
	}
	return sites.Close()
}

// reopen opens an empty site in place of one that has filled up. Each turn of
// creating sessions in memory begins with one: what earlier turns have created
// would be in the way of the garbage collector, and libraries bound it or not.
func (p Plan) reopen(full Site, e Entry, s Session) Site {
	if err := full.Close(); err != nil {
		panic(fmt.Sprintf("bench: %s: %v", e.Title, err))
	}
	empty, err := e.Open(s, p.Place)
	if err != nil {
		panic(fmt.Sprintf("bench: %s: %v", e.Title, err))
	}
	return empty
}

// clients is one in memory, where more would only share the processors. Ten
// requests at once are one client too.
func (p Plan) clients(store string, op Op) int {
	if store == "memory" || op == Together {
		return 1
	}
	return p.Clients
}

// slice is longer where a turn begins and ends with clients that wait.
func (p Plan) slice(store string) time.Duration {
	if store == "memory" {
		return p.Slice
	}
	return 2 * p.Slice
}

func name(e Entry, op Op, s Session) string {
	return fmt.Sprintf("BenchmarkCompare/lib=%s/store=%s/op=%s/size=%s-%d", e.Lib, e.Store, op, s.Name(), runtime.GOMAXPROCS(0))
}
