package redisstore

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
)

func TestPanics(t *testing.T) {
	assert.Panics(t, func() { New(nil) })
	assert.PanicsWithValue(t, "redisstore: New: an option is nil; leave it out", func() { New(newFake(), nil) })
	assert.Panics(t, func() { WithClock(nil) })
	for _, prefix := range []string{
		"", strings.Repeat("x", 65), "a*", "a?", "[a]", "a]", "a^", `a\`, "{a}:", "a}", "a b", "a\x00", "a\n", "ä:", "a\x7f",
	} {
		assert.Panics(t, func() { WithPrefix(prefix) }, "%q", prefix)
	}
	for _, prefix := range []string{"a", "sesame:", strings.Repeat("x", 64), "app/prod-1.sessions:"} {
		assert.NotPanics(t, func() { WithPrefix(prefix) }, "%q", prefix)
	}
}

func TestKeys(t *testing.T) {
	k := store.Key{1, 2, 3}
	s := New(newFake())
	assert.Equal(t, "sesame:s:"+k.String(), s.key(k))
	assert.Equal(t, "sesame:o:ann", s.ownerKey("ann"))
	s = New(newFake(), WithPrefix(strings.Repeat("x", 64)))
	assert.Equal(t, strings.Repeat("x", 64)+"s:"+k.String(), s.key(k))
}

func TestRecord(t *testing.T) {
	k := store.Key{9, 8, 7, 6, 5}
	expires := time.UnixMilli(2_000_000_000_000)
	r := store.Record{Version: 1<<63 + 5, Expires: expires, Owner: "ann", Data: []byte("data")}
	value := encode(k, r, r.Version, millis(expires), 0)
	got, err := decode(k, value, expires.Add(-time.Millisecond))
	require.NoError(t, err)
	assert.Equal(t, r, got)

	_, err = decode(k, value, expires)
	require.ErrorIs(t, err, store.ErrExpired)
	_, err = decode(store.Key{1}, value, time.Now())
	require.ErrorIs(t, err, errOutOfStep)
	require.NotErrorIs(t, err, store.ErrNotFound)
	for n := range headerLen + len("ann") {
		_, err = decode(k, value[:n], time.Now())
		require.ErrorIs(t, err, store.ErrCorrupt, "%d bytes", n)
	}
	_, err = decode(k, strings.Repeat("\x00", 8)+value[8:], time.Now())
	require.ErrorIs(t, err, store.ErrCorrupt)
}

func TestLife(t *testing.T) {
	assert.EqualValues(t, 60_000, life(0, 1e12))
	assert.EqualValues(t, 60_000, life(1e12, 1e12))
	assert.EqualValues(t, 60_001, life(1e12+1, 1e12))
	assert.EqualValues(t, 0, millis(time.Time{}))
	assert.Equal(t, int64(253_402_300_799_999), millis(time.Unix(1<<40, 0)))
}

// operations are all that a store does.
func operations(s *Store) map[string]func(context.Context) error {
	k, r := store.Key{1}, store.Record{Expires: time.Now().Add(time.Hour)}
	return map[string]func(context.Context) error{
		"load":  func(ctx context.Context) error { _, err := s.Load(ctx, k); return err },
		"save":  func(ctx context.Context) error { _, err := s.Save(ctx, k, r); return err },
		"touch": func(ctx context.Context) error { return s.Touch(ctx, k, r.Expires) },
		"delete": func(ctx context.Context) error {
			return s.Delete(ctx, k)
		},
		"ping":  s.Ping,
		"watch": func(ctx context.Context) error { _, err := s.Watch(ctx, func(store.Key) {}); return err },
		"list": func(ctx context.Context) (last error) {
			for _, err := range s.All(ctx) {
				last = err
			}
			return last
		},
		"list owned": func(ctx context.Context) (last error) {
			for _, err := range s.Owned(ctx, "ann") {
				last = err
			}
			return last
		},
		"delete owned": func(ctx context.Context) error { _, err := s.DeleteOwned(ctx, "ann"); return err },
	}
}

// TestOutOfStep checks that no operation takes the reply to another for its own.
func TestOutOfStep(t *testing.T) {
	f := newFake()
	s := New(f)
	other := store.Key{2}
	_, err := s.Save(t.Context(), other, store.Record{Expires: time.Now().Add(time.Hour), Owner: "ann"})
	require.NoError(t, err)
	others := f.value(s, other)
	for _, strange := range []string{"", "+", "-", "1", "OK", "+12345678", "-12345678", "?12345678ann"} {
		f.reply = func(script, reply string) (string, error) { return strange, nil }
		for what, op := range operations(s) {
			if what == "watch" {
				continue // it has no reply
			}
			f.values[s.key(store.Key{1})] = others
			err := op(t.Context())
			require.ErrorIs(t, err, errOutOfStep, "%s, %q", what, strange)
			require.ErrorContains(t, err, "redisstore: "+what+": ")
			require.NotErrorIs(t, err, store.ErrConflict)
			require.NotErrorIs(t, err, store.ErrNotFound)
		}
	}
	f.reply = func(script, reply string) (string, error) { return "!" + reply[1:], nil }
	require.ErrorIs(t, s.Delete(t.Context(), other), errOutOfStep)
}

func TestContext(t *testing.T) {
	f := newFake()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for what, op := range operations(New(f)) {
		require.ErrorIs(t, op(ctx), context.Canceled, what)
	}
	assert.Empty(t, f.log())

	// The client has words of its own for it.
	ctx, cancel = context.WithCancel(t.Context())
	f.reply = func(string, string) (string, error) { cancel(); return "", errors.New("i/o timeout") }
	require.ErrorIs(t, New(f).Delete(ctx, store.Key{}), context.Canceled)
}

// TestForgotten checks that scripts which the server does not know are sent as
// they are.
func TestForgotten(t *testing.T) {
	f := newFake()
	f.forget = true
	s := New(f)
	for i := range 3 {
		_, err := s.Save(t.Context(), store.Key{byte(i)}, store.Record{Expires: time.Now().Add(time.Hour), Owner: "ann"})
		require.NoError(t, err)
	}
	n, err := s.DeleteOwned(t.Context(), "ann")
	require.NoError(t, err)
	assert.Equal(t, 3, n)
}

// TestWatch checks what watchers are told, and that foreign messages are ignored.
func TestWatch(t *testing.T) {
	f := newFake()
	s := New(f, WithPrefix("shop:"))
	var ended []store.Key
	done, err := s.Watch(t.Context(), func(k store.Key) { ended = append(ended, k) })
	require.NoError(t, err)
	require.NotNil(t, done)
	assert.Equal(t, "shop:ended", f.channel)
	k := store.Key{1, 2, 3}
	for _, message := range []string{"", "shop:s:", "shop:s:x", "x", "other:s:" + k.String(), s.key(k), s.ownerKey("ann"), s.key(k) + "x"} {
		f.changed(message)
	}
	assert.Equal(t, []store.Key{k}, ended)
}

func TestWrongType(t *testing.T) {
	f := newFake()
	f.reply = func(string, string) (string, error) {
		return "", errors.New("ERR Error running script: WRONGTYPE Operation against a key")
	}
	_, err := New(f).Save(t.Context(), store.Key{}, store.Record{})
	require.ErrorIs(t, err, store.ErrCorrupt)
}

func TestOwnerTooLong(t *testing.T) {
	f := newFake()
	_, err := New(f).Save(t.Context(), store.Key{}, store.Record{Owner: strings.Repeat("x", 256)})
	require.Error(t, err)
	assert.Empty(t, f.log())
}
