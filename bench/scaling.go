package bench

import (
	"crypto/sha256"
	"fmt"
	"io"
	"runtime"

	"github.com/sesame-go/sesame/bench/internal/measure"
)

// Machine stands for a library in results that have nothing to do with sessions:
// arithmetic without shared memory shows what two processors of this machine can do
// at most.
const Machine = "machine"

// Scaling measures a request on one processor and on two, with sessions in memory: a
// client for each processor, with a session of its own.
func (p Plan) Scaling(w io.Writer) error {
	if !chosen(p.Stores, "memory") {
		return nil
	}
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	for _, op := range []Op{Read, Change} {
		_, _ = fmt.Fprintf(p.Progress, "two processors, %s\n", op)
		var subjects []measure.Subject
		for _, cores := range []int{1, 2} {
			subjects = append(subjects, measure.Subject{
				Name: fmt.Sprintf("BenchmarkScaling/lib=%s/store=memory/op=%s/cores=%d", Machine, op, cores),
				Run: func(n int) {
					runtime.GOMAXPROCS(cores)
					shared(cores, n, func(int) { arithmetic() })
				},
			})
		}
		for _, e := range Entries {
			if e.Store != "memory" || e.Lib != Base && (e.Lib != "scs" || !chosen(p.Libs, "scs")) {
				continue
			}
			for _, cores := range []int{1, 2} {
				site, err := e.Open(Sessions[1], p.Place) // the medium one
				if err != nil {
					return err
				}
				load := NewLoad(site, op, cores)
				subjects = append(subjects, measure.Subject{
					Name: fmt.Sprintf("BenchmarkScaling/lib=%s/store=memory/op=%s/cores=%d", e.Lib, op, cores),
					Run: func(n int) {
						runtime.GOMAXPROCS(cores)
						load.Run(n)
					},
				})
			}
		}
		for i, slices := range measure.Rounds(subjects, p.Rounds, p.Slice) {
			for _, slice := range slices {
				fmt.Fprintf(w, "%s\t%d\t%.5g ns/op\n", subjects[i].Name, slice.N, slice.Per(float64(slice.Wall)))
			}
		}
	}
	return nil
}

// arithmetic is some microseconds of it.
func arithmetic() {
	var sum [sha256.Size]byte
	for range 100 {
		sum = sha256.Sum256(sum[:])
	}
}
