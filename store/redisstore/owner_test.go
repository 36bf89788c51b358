package redisstore

import (
	"errors"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
)

// TestOrder checks that the index knows of a session before it is there.
func TestOrder(t *testing.T) {
	f := newFake()
	s := New(f)
	k, expires := store.Key{1}, time.Now().Add(time.Hour)
	ownerless := store.Record{Expires: expires}
	anns := store.Record{Expires: expires, Owner: "ann"}

	version, err := s.Save(t.Context(), k, ownerless)
	require.NoError(t, err)
	require.NotZero(t, version)
	assert.Equal(t, "save", f.log())

	_, err = s.Save(t.Context(), k, anns)
	require.NoError(t, err)
	assert.Equal(t, "enlist save", f.log())
	assert.Equal(t, millis(expires)+reserve, f.index[string(k[:])])
	assert.EqualValues(t, millis(expires)+reserve, number(f.value(s, k)[listedAt:]))

	s = New(f) // one that does not remember
	anns.Version = 5
	_, err = s.Save(t.Context(), k, anns)
	require.NoError(t, err)
	assert.Equal(t, "save", f.log())
	assert.Zero(t, number(f.value(s, k)[listedAt:]))

	f.status("save", "?")
	_, err = s.Save(t.Context(), k, anns)
	require.NoError(t, err)
	assert.Equal(t, "save enlist save", f.log())
	assert.NotZero(t, number(f.value(s, k)[listedAt:]))

	f.status("save", "??")
	_, err = New(f).Save(t.Context(), k, anns)
	require.ErrorIs(t, err, errOutOfStep)
	f.log()

	f.status("touch", "??")
	require.NoError(t, s.Touch(t.Context(), k, expires.Add(time.Hour)))
	assert.Equal(t, "touch enlist touch enlist touch", f.log())

	f.status("save", "-")
	_, err = s.Save(t.Context(), k, ownerless)
	require.ErrorIs(t, err, store.ErrConflict)
}

// TestLogin checks that a log-in tells the index at once, and once only however
// often it has to be tried again.
func TestLogin(t *testing.T) {
	f := newFake()
	s := New(f)
	k := store.Key{1}
	login := store.Record{Version: 5, Expires: time.Now().Add(time.Hour), Owner: "ann", Durable: true}
	f.status("save", "--")
	for range 2 {
		_, err := s.Save(t.Context(), k, login)
		require.ErrorIs(t, err, store.ErrConflict)
		login.Expires = login.Expires.Add(time.Second)
	}
	_, err := s.Save(t.Context(), k, login)
	require.NoError(t, err)
	assert.Equal(t, "enlist save save save", f.log())
	assert.Equal(t, f.index[string(k[:])], int64(number(f.value(s, k)[listedAt:])))

	// Another owner, another key and a later end are not what it was told.
	for _, change := range []func(*store.Key, *store.Record){
		func(_ *store.Key, r *store.Record) { r.Owner = "bob" },
		func(k *store.Key, _ *store.Record) { k[15]++ },
		func(_ *store.Key, r *store.Record) { r.Expires = r.Expires.Add(2 * time.Hour) },
	} {
		s.recent.add(k, "ann", millis(login.Expires)+reserve)
		k, r := k, login
		change(&k, &r)
		_, err := s.Save(t.Context(), k, r)
		require.NoError(t, err)
		assert.Equal(t, "enlist save", f.log())
	}
	login.Owner = ""
	_, err = s.Save(t.Context(), store.Key{}, login)
	require.NoError(t, err)
	assert.Equal(t, "save", f.log())
}

// TestRecent checks that an entry of an index is relied on for a second only.
func TestRecent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var x recent
		k := store.Key{1, 2}
		x.add(k, "ann", 5)
		time.Sleep(remembered - time.Millisecond)
		require.EqualValues(t, 5, x.until(k, "ann"))
		require.Zero(t, x.until(k, "bob"))
		require.Zero(t, x.until(store.Key{1}, "ann"))
		time.Sleep(time.Millisecond)
		require.Zero(t, x.until(k, "ann"))
		x.add(k, "ann", 6)
		x.add(store.Key{1}, "ann", 7) // in the same place
		require.Zero(t, x.until(k, "ann"))
	})
}

// TestPages checks that the sessions of an owner cost two round trips a page.
func TestPages(t *testing.T) {
	f := newFake()
	s := New(f)
	for i := range pageSize - 1 {
		_, err := s.Save(t.Context(), store.Key{byte(i)}, store.Record{Expires: time.Now().Add(time.Hour), Owner: "ann"})
		require.NoError(t, err)
	}
	f.trips = 0
	n := 0
	for e, err := range s.Owned(t.Context(), "ann") {
		require.NoError(t, err)
		require.Equal(t, "ann", e.Owner)
		n++
	}
	assert.Equal(t, pageSize-1, n)
	assert.Equal(t, 2, f.trips)

	f.trips = 0
	n, err := s.DeleteOwned(t.Context(), "ann", store.Key{7})
	require.NoError(t, err)
	assert.Equal(t, pageSize-2, n)
	assert.Len(t, f.values, 1)
	assert.Equal(t, 2, f.trips)
}

// TestWalkSkips checks that damaged entries of an index and damaged records end
// no walk.
func TestWalkSkips(t *testing.T) {
	f := newFake()
	s := New(f)
	r := store.Record{Expires: time.Now().Add(time.Hour), Owner: "ann"}
	well, copied, short, gone := store.Key{1}, store.Key{2}, store.Key{3}, store.Key{4}
	for _, k := range []store.Key{well, copied, short, gone} {
		_, err := s.Save(t.Context(), k, r)
		require.NoError(t, err)
	}
	f.values[s.key(copied)] = f.values[s.key(well)]
	f.values[s.key(short)] = "short"
	delete(f.values, s.key(gone))
	for _, member := range []string{"", "no key", "longer than any session's key"} {
		f.index[member] = 1
	}
	for name, walk := range map[string]iter.Seq2[store.Entry, error]{
		"Owned": s.Owned(t.Context(), "ann"), "All": s.All(t.Context()),
	} {
		var keys []store.Key
		for e, err := range walk {
			require.NoError(t, err, name)
			keys = append(keys, e.Key)
		}
		assert.Equal(t, []store.Key{well}, keys, name)
	}
	_, err := s.DeleteOwned(t.Context(), "ann")
	require.NoError(t, err)
	assert.NotContains(t, f.values, s.key(well))
}

// TestEnlistFails checks that no session is written that the index does not know.
func TestEnlistFails(t *testing.T) {
	f := newFake()
	s := New(f)
	f.reply = func(script, reply string) (string, error) {
		if script == "enlist" {
			return "", errors.New("ill")
		}
		return "?" + reply[1:9] + "ann", nil
	}
	_, err := s.Save(t.Context(), store.Key{}, store.Record{Owner: "ann"})
	require.EqualError(t, err, "redisstore: save: ill")
	assert.Equal(t, "enlist", f.log())
	require.Error(t, s.Touch(t.Context(), store.Key{}, time.Now()))
	assert.Equal(t, "touch enlist", f.log())
}
