package lifecycle

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

type keyOf string

func commitOf(ctx context.Context) (context.Context, context.CancelFunc) {
	e := &Engine{Config: Config{Timeout: time.Second}}
	return e.detach(ctx)
}

func loadOf(ctx context.Context) *storeContext {
	e := &Engine{Config: Config{Timeout: time.Second}}
	return e.limit(ctx, new(storeContext))
}

// TestStoreContext waits for the end of a commit's and a load's time in every
// way in which a store can.
func TestStoreContext(t *testing.T) {
	for name, wait := range map[string]func(context.Context){
		"done": func(ctx context.Context) { <-ctx.Done() },
		"poll": func(ctx context.Context) {
			for ctx.Err() == nil {
				time.Sleep(time.Millisecond)
			}
		},
		"child": func(ctx context.Context) {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			<-ctx.Done()
		},
		"after": func(ctx context.Context) {
			done := make(chan struct{})
			context.AfterFunc(ctx, func() { close(done) })
			<-done
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				hungUp, cancel := context.WithCancel(context.WithValue(t.Context(), keyOf("a"), 1))
				cancel()
				ctx, end := commitOf(hungUp)
				defer end()
				require.NoError(t, ctx.Err(), "the client's hanging up is not the commit's end")
				require.Equal(t, 1, ctx.Value(keyOf("a")))

				began := time.Now()
				wait(ctx)
				require.ErrorIs(t, ctx.Err(), context.DeadlineExceeded)
				require.InDelta(t, time.Second, time.Since(began), float64(10*time.Millisecond))
				require.Equal(t, 1, ctx.Value(keyOf("a")))
				deadline, ok := ctx.Deadline()
				require.True(t, ok)
				require.Equal(t, began.Add(time.Second), deadline)
			})
			synctest.Test(t, func(t *testing.T) {
				ctx := loadOf(context.WithValue(t.Context(), keyOf("a"), 1))
				defer ctx.end()
				require.NoError(t, ctx.Err())
				require.Equal(t, 1, ctx.Value(keyOf("a")))
				began := time.Now()
				wait(ctx)
				require.ErrorIs(t, ctx.Err(), context.DeadlineExceeded)
				require.InDelta(t, time.Second, time.Since(began), float64(10*time.Millisecond))

				hungUp, cancel := context.WithCancel(t.Context())
				ctx = loadOf(hungUp)
				defer ctx.end()
				time.AfterFunc(time.Millisecond, cancel)
				wait(ctx)
				require.ErrorIs(t, ctx.Err(), context.Canceled, "a client that hangs up ends its load")
				require.ErrorIs(t, loadOf(hungUp).Err(), context.Canceled)
			})
		})
	}
}

// TestStoreContextEnds looks at the context after the commit, as a store's
// forgotten goroutine might.
func TestStoreContextEnds(t *testing.T) {
	ctx, end := commitOf(t.Context())
	end()
	require.ErrorIs(t, ctx.Err(), context.Canceled)
	<-ctx.Done()

	ctx, end = commitOf(t.Context())
	done := ctx.Done()
	end()
	<-done
	require.ErrorIs(t, ctx.Err(), context.Canceled)
}

// TestStoreContextIsLight holds what it is made for.
func TestStoreContextIsLight(t *testing.T) {
	allocs := testing.AllocsPerRun(100, func() {
		ctx, end := commitOf(t.Context())
		if ctx.Err() != nil {
			t.Error("ended at once")
		}
		end()
	})
	require.LessOrEqual(t, allocs, 4.0) // the engine of this test, the context, its end, its parent
}
