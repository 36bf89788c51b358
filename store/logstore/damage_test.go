package logstore

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/records"
	"github.com/sesame-go/sesame/store"
)

// history returns a log, and for each of its frames where it ends and what the
// store held then.
func history(t *testing.T) (log []byte, ends []int, states []map[store.Key]string) {
	t.Helper()
	sim := newSimulation()
	s, err := open(sim, "log", newConfig([]Option{WithCompactFrom(1 << 30)}))
	require.NoError(t, err)
	u := newUser(1, 7, false)
	_, err = s.Save(t.Context(), store.Key{}, record("begins the log"))
	require.NoError(t, err)
	require.NoError(t, s.Delete(t.Context(), store.Key{}))
	note := func() {
		if end := len(sim.names["log"].data); len(ends) == 0 || end > ends[len(ends)-1] {
			ends = append(ends, end)
			states = append(states, contents(t, s))
		}
	}
	for note(); len(ends) < 100; note() {
		if u.rnd.IntN(3) > 0 { // no touches, which are written at any time
			k := u.keys[u.rnd.IntN(len(u.keys))]
			r := u.current[k]
			r.Expires, r.Data = time.Now().Add(time.Hour), u.data()
			r.Version, err = s.Save(t.Context(), k, r)
			require.NoError(t, err)
			u.current[k] = r
			continue
		}
		k := u.keys[u.rnd.IntN(len(u.keys))]
		require.NoError(t, s.Delete(t.Context(), k))
		delete(u.current, k)
	}
	require.NoError(t, s.Close())
	return sim.names["log"].data, ends, states
}

func contents(t *testing.T, s *Store) map[store.Key]string {
	t.Helper()
	all := make(map[store.Key]string)
	for e, err := range s.All(t.Context()) {
		require.NoError(t, err)
		all[e.Key] = string(e.Data)
	}
	return all
}

func holding(log []byte) *simulation {
	sim := newSimulation()
	f := &inode{data: slices.Clone(log), disk: slices.Clone(log)}
	sim.names["log"], sim.disk["log"] = f, f
	sim.notes.data = make([]byte, noteSize+reserveSize)
	return sim
}

// TestTruncated cuts a log at thousands of offsets: what is whole before it is there,
// and what is cut off is told.
func TestTruncated(t *testing.T) {
	log, ends, states := history(t)
	n := 0 // frames that are whole
	for size := ends[0]; size < len(log); size++ {
		if n+1 < len(ends) && ends[n+1] == size {
			n++
		}
		if off := size - ends[n]; off > 70 && off%97 != 0 && size+1 != len(log) {
			continue // somewhere in the data
		}
		s, err := open(holding(log[:size]), "log", newConfig([]Option{quiet}))
		require.NoError(t, err)
		require.Equal(t, states[n], contents(t, s), size)
		rec := s.Recovery()
		require.Equal(t, n+3, rec.Records)
		if size == ends[n] {
			require.Empty(t, rec.Damage)
		} else {
			require.Equal(t, []Damage{{Offset: int64(ends[n]), Bytes: int64(size - ends[n]), Tail: true}}, rec.Damage)
		}
		require.NoError(t, s.Close())
	}
}

// TestFlipped flips bits anywhere: what the others say is there, and nothing is
// there that was not written.
func TestFlipped(t *testing.T) {
	log, _, _ := history(t)
	rnd := rand.New(rand.NewPCG(3, 4))
	form, err := parseHeader(log)
	require.NoError(t, err)
	var frames []frame
	var begins []int64
	at := int64(headerSize)
	_, _, err = readFrames(bytes.NewReader(log), form, at, int64(len(log)), func(fr frame) {
		frames, begins = append(frames, fr), append(begins, at)
		at += int64(len(form.append(nil, &fr)))
	})
	require.NoError(t, err)
	begins = append(begins, at)
	for range 2000 {
		bad := slices.Clone(log)
		hit := make(map[int]bool)
		for range 1 + rnd.IntN(3) {
			bit := 8*headerSize + rnd.IntN(8*(len(log)-headerSize))
			bad[bit/8] ^= 1 << (bit % 8)
		}
		want := &Store{set: records.NewSet()}
		for i := range frames {
			if bytes.Equal(bad[begins[i]:begins[i+1]], log[begins[i]:begins[i+1]]) {
				want.replay(&frames[i])
			} else {
				hit[i] = true
			}
		}
		s, err := open(holding(bad), "log", newConfig([]Option{quiet}))
		require.NoError(t, err)
		got := contents(t, s)
		assert.Len(t, got, want.set.Len())
		for k, data := range got {
			require.Equal(t, string(want.set.Find(k).Data), data)
		}
		rec := s.Recovery()
		require.Equal(t, len(frames)-len(hit), rec.Records)
		var lost int64
		for _, d := range rec.Damage {
			lost += d.Bytes
		}
		for i := range hit {
			lost -= begins[i+1] - begins[i]
		}
		require.Zero(t, lost)
		require.NoError(t, s.Close())
	}
}

// TestHeaderFlipped sees that a damaged header is refused and the file left
// alone: without it nothing after it could be read.
func TestHeaderFlipped(t *testing.T) {
	log, _, _ := history(t)
	for bit := range 8 * headerSize {
		bad := slices.Clone(log)
		bad[bit/8] ^= 1 << (bit % 8)
		sim := holding(bad)
		_, err := open(sim, "log", newConfig(nil))
		require.ErrorContains(t, err, "logstore: log: ")
		require.Equal(t, bad, sim.names["log"].data)
		require.False(t, sim.inUse())
	}
}

func TestStrictRecovery(t *testing.T) {
	log, ends, states := history(t)
	bad := slices.Clone(log)
	bad[ends[3]+20] ^= 1
	for _, bad := range [][]byte{bad, log[:len(log)-1]} {
		sim := holding(bad)
		_, err := open(sim, "log", newConfig([]Option{WithStrictRecovery()}))
		require.ErrorIs(t, err, ErrDamaged)
		require.Equal(t, bad, sim.names["log"].data)
	}
	s, err := open(holding(log), "log", newConfig([]Option{WithStrictRecovery()}))
	require.NoError(t, err)
	require.Equal(t, states[len(states)-1], contents(t, s))
	require.NoError(t, s.Close())
}

// TestDamageIsLogged sees that damage is never passed over in silence.
func TestDamageIsLogged(t *testing.T) {
	log, ends, _ := history(t)
	bad := slices.Clone(log[:len(log)-1])
	bad[ends[3]+20] ^= 1
	var out bytes.Buffer
	s, err := open(holding(bad), "log", newConfig([]Option{WithLogger(slog.New(slog.NewTextHandler(&out, nil)))}))
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.Len(t, s.Recovery().Damage, 2)
	assert.Contains(t, out.String(), fmt.Sprintf("offset=%d", ends[3]))
	assert.Contains(t, out.String(), "cut=true")
	assert.Equal(t, fmt.Sprintf("%d bytes at offset %d, skipped", ends[4]-ends[3], ends[3]), s.Recovery().Damage[0].String())
}

// TestForgedFrame sees that what a user writes is not taken for a record, even
// if it is one of another log, when damage makes the reader look for one.
func TestForgedFrame(t *testing.T) {
	victim := store.Key{66}
	forged := newFormat().append(nil, &frame{kind: kindPut, version: 1 << 62, expires: 1 << 60, key: victim, data: []byte("admin")})
	sim := newSimulation()
	s, err := open(sim, "log", newConfig([]Option{quiet}))
	require.NoError(t, err)
	_, err = s.Save(t.Context(), store.Key{2}, record("first"))
	require.NoError(t, err)
	require.NoError(t, s.Delete(t.Context(), store.Key{2}))
	begin := s.end.Load()
	_, err = s.Save(t.Context(), store.Key{1}, record(string(forged)))
	require.NoError(t, err)
	require.NoError(t, s.Close())
	sim.names["log"].data[begin+9] ^= 1
	s, err = open(sim, "log", newConfig([]Option{quiet}))
	require.NoError(t, err)
	require.Empty(t, contents(t, s))
	require.NoError(t, s.Close())
}

// TestReplayedTwice reads a part of a log again, as is done behind a compaction:
// what lives at its end stays as it is.
func TestReplayedTwice(t *testing.T) {
	log, _, _ := history(t)
	form, err := parseHeader(log)
	require.NoError(t, err)
	var frames []frame
	x := &Store{set: records.NewSet()}
	_, _, err = readFrames(bytes.NewReader(log), form, headerSize, int64(len(log)), func(fr frame) {
		frames = append(frames, fr)
		x.replay(&fr)
	})
	require.NoError(t, err)
	want := make(map[store.Key]uint64)
	for e, err := range x.set.All(func() error { return nil }) {
		require.NoError(t, err)
		want[e.Key] = e.Version
	}
	for from := range frames {
		for i := range frames[from:] {
			x.replay(&frames[from+i])
			for k, v := range want {
				r := x.set.Find(k)
				require.NotNil(t, r)
				require.Equal(t, v, r.Version)
			}
		}
		require.Equal(t, len(want), x.set.Len())
	}
}

// TestTouchOfOlderVersion sees that an extension does not outlive the Save that
// took it back, in whichever order the two were written.
func TestTouchOfOlderVersion(t *testing.T) {
	k, x := store.Key{1}, &Store{set: records.NewSet()}
	x.replay(&frame{kind: kindPut, version: 1, key: k, expires: 100})
	x.replay(&frame{kind: kindPut, version: 2, key: k, expires: 50})
	x.replay(&frame{kind: kindTouch, version: 1, key: k, expires: 1000})
	assert.Equal(t, int64(50), x.set.Find(k).Expires)
	x.replay(&frame{kind: kindTouch, version: 2, key: k, expires: 70})
	assert.Equal(t, int64(70), x.set.Find(k).Expires)
}
