package inspect

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/lifecycle"
	"github.com/sesame-go/sesame/store"
)

func newTestRecorder(keep int) *recorder {
	return newRecorder(keep, &health{})
}

var noon = time.Date(2026, 11, 30, 12, 0, 30, 0, time.UTC)

// A flood of one kind does not push out the others, and each is found by its
// session, newest first.
func TestEachKindHasRoomOfItsOwn(t *testing.T) {
	r := newTestRecorder(3)
	key := store.Key{1}
	r.add(lifecycle.Event{Kind: lifecycle.Created, Key: key, Owner: "ann"}, noon)
	for n := range 10 {
		r.add(lifecycle.Event{Kind: lifecycle.Saved, Key: key, Owner: "ann", Count: n}, noon)
	}
	r.add(lifecycle.Event{Kind: lifecycle.Revoked, Key: key}, noon)
	for range 1000 {
		r.add(lifecycle.Event{Kind: lifecycle.UnknownToken}, noon)
	}
	found, more, last := r.find(query{key: key}, 100)
	require.False(t, more)
	require.Equal(t, uint64(1012), last)
	var kinds []lifecycle.Kind
	var counts []int
	for _, e := range found {
		kinds, counts = append(kinds, e.Kind), append(counts, e.Count)
	}
	require.Equal(t, []lifecycle.Kind{"revoked", "saved", "saved", "saved", "created"}, kinds)
	require.Equal(t, []int{0, 9, 8, 7, 0}, counts)
	require.Equal(t, "ann", r.ownerOf(key), "the revocation alone does not say")
	require.Equal(t, map[lifecycle.Kind]int{"created": 1, "saved": 3, "revoked": 1, "unknown_token": 3}, r.kept())

	found, more, _ = r.find(query{kinds: []lifecycle.Kind{"saved", "created"}}, 2)
	require.True(t, more)
	require.Len(t, found, 2)
	found, _, _ = r.find(query{after: 1011}, 100)
	require.Len(t, found, 1, "only what came after")
	found, _, _ = r.find(query{owner: "ann"}, 100)
	require.Len(t, found, 4)
}

func TestFiguresOfAnHour(t *testing.T) {
	r := newTestRecorder(10)
	at := func(ago time.Duration, e lifecycle.Event) { r.add(e, noon.Add(-ago)) }
	at(61*time.Minute, lifecycle.Event{Kind: lifecycle.Saved, Duration: time.Second})
	at(59*time.Minute, lifecycle.Event{Kind: lifecycle.Saved, Duration: time.Millisecond})
	at(time.Minute, lifecycle.Event{Kind: lifecycle.Swept, Count: 40})
	at(0, lifecycle.Event{Kind: lifecycle.Saved})
	at(0, lifecycle.Event{Kind: lifecycle.Conflict, Field: "Cart"})
	at(0, lifecycle.Event{Kind: lifecycle.Conflict, Field: "Cart"})
	at(0, lifecycle.Event{Kind: lifecycle.Conflict, Field: "Theme"})

	hour := r.hour(noon)
	require.Equal(t, 2, hour[lifecycle.Saved].Sum(), "what was an hour ago is no longer counted")
	require.Equal(t, 1, hour[lifecycle.Saved].Counts[0])
	require.Equal(t, 1, hour[lifecycle.Saved].Counts[span-1])
	require.Equal(t, 40, hour[lifecycle.Swept].Counts[span-2])
	require.Equal(t, 40, hour[lifecycle.Swept].Peak())
	require.NotContains(t, hour, lifecycle.Loaded)
	require.Equal(t, []field{{"Cart", 2}, {"Theme", 1}}, r.conflicts(noon))
	require.Equal(t, 1, r.latencies(span, noon)[save].count)
	require.Nil(t, r.latencies(5, noon)[save])
	require.Empty(t, r.hour(noon.Add(2*time.Hour)))
}

// Paths with the keys of maps, and errors that differ each time, take no more
// memory than a bound.
func TestWhatUsersCanMakeManyIsBounded(t *testing.T) {
	r := newTestRecorder(10)
	for n := range 10_000 {
		r.add(lifecycle.Event{Kind: lifecycle.Conflict, Field: fmt.Sprint("Cart.", n)}, noon)
		r.add(lifecycle.Event{Kind: lifecycle.Corrupt, Err: fmt.Errorf("%d%0600d", n, 0)}, noon.Add(time.Duration(n)))
	}
	require.Len(t, r.conflicts(noon), maxFields)
	errs := r.errors()
	require.Len(t, errs, maxProblems)
	require.Contains(t, errs[0].Error, "9999", "the latest")
	require.Less(t, len(errs[0].Error), maxError+20)

	r = newTestRecorder(10)
	for range 3 {
		r.add(lifecycle.Event{Kind: lifecycle.StoreError, Err: errors.New("down")}, noon)
	}
	require.Equal(t, 3, r.errors()[0].Count)
}

func TestQuantiles(t *testing.T) {
	var l latency
	var all []time.Duration
	for range 10_000 {
		d := time.Duration(rand.ExpFloat64() * float64(time.Millisecond))
		l.add(d)
		all = append(all, d)
	}
	slices.Sort(all)
	for _, q := range []float64{.05, .5, .9, .99} {
		want := all[int(q*float64(len(all)))]
		require.InEpsilon(t, want, l.quantile(q), .0651, "quantile %g", q)
	}
	require.Equal(t, all[len(all)-1], l.slowest)

	for _, d := range []time.Duration{0, 1, 999, time.Microsecond, time.Hour, 1 << 62} {
		var one latency
		one.add(d)
		require.LessOrEqual(t, one.quantile(.5), max(d, time.Microsecond), d)
	}
	require.Zero(t, new(latency).quantile(.5))
}

// A store that fails and succeeds in turn is down since the first failure, and
// up again when that has stopped.
func TestHalfDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTestRecorder(10)
		r.health.state.Up = true
		first := time.Now()
		for range 60 {
			r.record(lifecycle.Event{Kind: lifecycle.StoreError, Err: errors.New("read only")})
			r.record(lifecycle.Event{Kind: lifecycle.Loaded})
			require.False(t, r.health.state.Up)
			require.Equal(t, first, r.health.state.Since)
			time.Sleep(calm - time.Second)
		}
		time.Sleep(time.Second)
		r.record(lifecycle.Event{Kind: lifecycle.Loaded})
		require.True(t, r.health.state.Up)
		require.Equal(t, time.Now().Add(-calm), r.health.state.Since, "the last failure")
	})
}

func TestWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", 59 * time.Second: "59 s", 90 * time.Second: "2 min", time.Hour - time.Second: "1 h", 26 * time.Hour: "1 d 2 h",
		30*24*time.Hour - time.Second: "30 d", 9*time.Hour + 10*time.Minute: "9 h 10 min", -time.Minute: "1 min",
	} {
		require.Equal(t, want, period(d), d.String())
	}
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 12345678: "12,345,678", -1234: "-1,234"} {
		require.Equal(t, want, number(n))
	}
	for s, want := range map[string]string{
		"ann": "ann", "a\nb": `a\nb`, "gpj\u202egnp": `gpj\u202egnp`, "a\xffb": `a\xffb`, "\uFFFD": "\uFFFD", "zero\u200bwidth": `zero\u200bwidth`, "Zoë 東": "Zoë 東", "\x00": `\x00`,
	} {
		require.Equal(t, want, visible(s))
	}
	require.Equal(t, "ä… (4 bytes)", shorten("ääää"[:4], 3))
}

func BenchmarkRecord(b *testing.B) {
	r := newTestRecorder(500)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r.record(lifecycle.Event{Kind: lifecycle.Loaded, Key: store.Key{1}, Owner: "ann", Duration: time.Millisecond})
		}
	})
}
