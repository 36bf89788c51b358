package lifecycle

import (
	"context"
	"errors"
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

// sweepSometimes starts a sweep if the last one was a minute ago. It is called by
// requests, so that there is no goroutine to stop; a program without requests needs
// no sweep.
func (e *Engine) sweepSometimes(ctx context.Context) {
	if e.sweeper == nil {
		return
	}
	last, now := e.swept.Load(), time.Now().Unix()
	if now-last < int64(sweepEvery/time.Second) && now >= last {
		return
	}
	if e.swept.CompareAndSwap(last, now) {
		go e.sweep(context.WithoutCancel(ctx))
	}
}

// sweep drops what has expired, until a batch is not full.
func (e *Engine) sweep(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, e.Timeout)
	defer cancel()
	defer func() { _ = recover() }() // from a logger that panics, too
	defer e.recovered(ctx, "the store's Sweep")
	began, total := e.began(), 0
	for range sweepBatches {
		n, err := e.sweeper.Sweep(ctx, sweepBatch)
		total += n
		if err != nil && !errors.Is(err, errors.ErrUnsupported) {
			_ = e.failed(ctx, "sweep", store.Key{}, began, err)
		}
		if err != nil || n < sweepBatch {
			break
		}
	}
	if total > 0 {
		e.emit(ctx, Event{Kind: Swept, Count: total, Duration: e.since(began)})
	}
}
