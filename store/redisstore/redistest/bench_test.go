package redistest

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/redisstore"
	"github.com/sesame-go/sesame/store/redisstore/rueidis"
)

// live is how many sessions of 300 bytes there are.
const live = 10_000

// BenchmarkStore measures the operations of the store. A ping is what a round
// trip costs.
func BenchmarkStore(b *testing.B) {
	at, prefix := shared(b, "single"), redisstore.WithPrefix(newPrefix())
	stores := map[string]*redisstore.Store{
		"rueidis-cached": redisstore.New(connectRueidis(b, at, nil, rueidis.WithCache(time.Minute)), prefix),
	}
	for _, a := range adapters {
		stores[a.name] = redisstore.New(a.connect(b, at, nil), prefix)
	}
	keys, versions := make([]store.Key, live), make([]uint64, live)
	r := store.Record{Expires: time.Now().Add(time.Hour), Data: make([]byte, 300)}
	for i := range keys {
		keys[i] = newKey()
		v, err := stores["goredis"].Save(b.Context(), keys[i], r)
		require.NoError(b, err)
		versions[i] = v
	}
	for client, s := range stores {
		save := func(i int, r store.Record) (err error) {
			r.Version = versions[i]
			versions[i], err = s.Save(b.Context(), keys[i], r)
			return err
		}
		load := func(i int) (store.Record, error) { return s.Load(b.Context(), keys[i]) }
		renew := func(i int, owner string) error {
			r, err := load(i)
			if err != nil {
				return err
			}
			r.Owner, r.Durable = owner, true
			return save(i, r)
		}
		for op, f := range map[string]func(i int) error{
			"ping":  func(int) error { return s.Ping(b.Context()) },
			"load":  func(i int) error { _, err := load(i); return err },
			"save":  func(i int) error { return save(i, r) },
			"renew": func(i int) error { return renew(i, "") },
			"login": func(i int) error { return renew(i, fmt.Sprint("user", rand.IntN(1_000_000))) },
			"touch": func(i int) error { return s.Touch(b.Context(), keys[i], time.Now().Add(2*time.Hour)) },
		} {
			for _, goroutines := range []int{1, 64} {
				b.Run(fmt.Sprintf("client=%s/op=%s/goroutines=%d", client, op, goroutines), func(b *testing.B) {
					b.ReportAllocs()
					parallel(b, goroutines, f)
				})
			}
		}
	}
}

// parallel calls f from so many goroutines, each with numbers of its own.
func parallel(b *testing.B, goroutines int, f func(i int) error) {
	if goroutines == 1 {
		for b.Loop() {
			require.NoError(b, f(rand.IntN(live)))
		}
		return
	}
	next := make(chan int, goroutines)
	for i := range goroutines {
		next <- i
	}
	b.SetParallelism(goroutines / runtime.GOMAXPROCS(0))
	b.RunParallel(func(pb *testing.PB) {
		for i := <-next; pb.Next(); i = (i + goroutines) % (live / goroutines * goroutines) {
			if err := f(i); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
