package goredis_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/redisstore"
	"github.com/sesame-go/sesame/store/redisstore/goredis"
)

// live is how many sessions of 300 bytes there are.
const live = 10_000

// BenchmarkStore compares the operations of the store with a plain GET through
// the same client.
func BenchmarkStore(b *testing.B) {
	client := single(b)
	s := redisstore.New(goredis.New(client), prefix())
	keys, versions := make([]store.Key, live), make([]uint64, live)
	r := store.Record{Expires: time.Now().Add(time.Hour), Data: make([]byte, 300)}
	for i := range keys {
		keys[i] = store.Key{byte(i), byte(i >> 8)}
		v, err := s.Save(b.Context(), keys[i], r)
		require.NoError(b, err)
		versions[i] = v
	}
	require.NoError(b, client.Set(b.Context(), "raw", make([]byte, 329), time.Hour).Err())
	for _, goroutines := range []int{1, 64} {
		run := func(op string, f func(i int) error) {
			b.Run(fmt.Sprintf("client=goredis/op=%s/goroutines=%d", op, goroutines), func(b *testing.B) {
				b.ReportAllocs()
				parallel(b, goroutines, f)
			})
		}
		run("get", func(int) error { return client.Get(b.Context(), "raw").Err() })
		run("load", func(i int) error {
			_, err := s.Load(b.Context(), keys[i])
			return err
		})
		run("save", func(i int) error {
			r := r
			r.Version = versions[i]
			v, err := s.Save(b.Context(), keys[i], r)
			versions[i] = v
			return err
		})
		renewed := func(i int, owner string) error {
			r, err := s.Load(b.Context(), keys[i])
			if err != nil {
				return err
			}
			r.Owner, r.Durable = owner, true
			versions[i], err = s.Save(b.Context(), keys[i], r)
			return err
		}
		run("renew", func(i int) error { return renewed(i, "") })
		run("login", func(i int) error { return renewed(i, fmt.Sprint("user", rand.IntN(1_000_000))) })
		run("touch", func(i int) error { return s.Touch(b.Context(), keys[i], time.Now().Add(2*time.Hour)) })
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
