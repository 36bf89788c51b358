package records_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/records"
	"github.com/sesame-go/sesame/store"
)

func closed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

func TestWatchers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w records.Watchers
		w.Tell(store.Key{1}) // without watchers

		var first, second []store.Key
		ctx, cancel := context.WithCancel(t.Context())
		done, err := w.Watch(ctx, func(k store.Key) { first = append(first, k) })
		require.NoError(t, err)
		other, err := w.Watch(t.Context(), func(k store.Key) { second = append(second, k) })
		require.NoError(t, err)

		w.Tell(store.Key{2}, store.Key{3})
		require.False(t, closed(done))
		cancel()
		synctest.Wait()
		require.True(t, closed(done))
		require.False(t, closed(other))
		w.Tell(store.Key{4})
		require.Equal(t, []store.Key{{2}, {3}}, first)
		require.Equal(t, []store.Key{{2}, {3}, {4}}, second)

		_, err = w.Watch(ctx, func(store.Key) {})
		require.ErrorIs(t, err, context.Canceled)

		w.Close()
		require.True(t, closed(other))
		w.Close()
	})
}
