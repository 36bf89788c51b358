package lifecycle

import (
	"context"
	"time"

	"github.com/sesame-go/sesame/store"
)

// A sweep is bounded in number and in time, and cut into batches so that an
// engine with one writer is not held up.
const (
	sweepEvery   = time.Minute
	sweepBatch   = 200
	sweepBatches = 100
)

// sweepSometimes starts a sweep if the last one was a minute ago. Sweeping
// rides on traffic: a program that is not used needs none, and there is no
// goroutine to stop.
func (e *Engine) sweepSometimes(ctx context.Context) {
	sweeper, ok := e.Store.(store.Sweeper)
	if !ok {
		return
	}
	last, now := e.swept.Load(), time.Now().Unix()
	if now-last < int64(sweepEvery/time.Second) && now >= last {
		return
	}
	if !e.swept.CompareAndSwap(last, now) {
		return
	}
	ctx, cancel := e.detach(ctx)
	go func() {
		defer cancel()
		began := e.began()
		for range sweepBatches {
			n, err := sweeper.Sweep(ctx, sweepBatch)
			if err != nil {
				_ = e.failed(ctx, "sweep", store.Key{}, began, err)
				return
			}
			if n < sweepBatch {
				return
			}
		}
	}()
}
