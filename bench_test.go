package sesame_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/codec"
	"github.com/sesame-go/sesame/codec/codectest"
	"github.com/sesame-go/sesame/codec/gobcodec"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

// small and medium are the sessions that are measured: three fields, and about
// a kilobyte of what shops keep.
type small struct {
	User  string
	Times int
	Admin bool
}

type medium struct {
	User, Name, Email string
	AccessToken       string // of an identity provider
	Times             int
	SignedIn          time.Time
	Roles             []string
	Cart              map[string]int
	Settings          map[string]string
	Recent            []page
	Address           struct{ Street, City, Country, Zip string }
}

type page struct {
	Path string
	At   time.Time
}

func newSmall() small { return small{User: "u-4711", Times: 3} }

func newMedium() medium {
	at := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	m := medium{
		User: "u-4711", Name: "Ann Example", Email: "ann@example.com", Times: 3, SignedIn: at,
		AccessToken: strings.Repeat("t", 300),
		Roles:       []string{"reader", "writer", "auditor"},
		Cart:        map[string]int{}, Settings: map[string]string{},
	}
	for i := range 6 {
		m.Cart[fmt.Sprintf("article-%04d", i)] = i
		m.Settings[fmt.Sprintf("setting-%d", i)] = strings.Repeat("x", 20)
		m.Recent = append(m.Recent, page{fmt.Sprintf("/articles/%04d", i), at.Add(time.Duration(i) * time.Minute)})
	}
	m.Address.Street, m.Address.City, m.Address.Country, m.Address.Zip = "1 Main Street", "Springfield", "US", "12345"
	return m
}

// site is a manager with one stored session, driven without a network.
type site[T any] struct {
	m      *sesame.Manager[T]
	cookie string
	header http.Header
}

func newSite[T any](session T, opts ...sesame.Option) *site[T] {
	const token = "AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAA"
	opts = append(opts, sesame.WithSessions(map[string]T{token: session}))
	return &site[T]{sesame.New[T](opts...), "__Host-Http-session_id=" + token, make(http.Header)}
}

func (s *site[T]) Header() http.Header         { return s.header }
func (s *site[T]) Write(p []byte) (int, error) { return len(p), nil }
func (s *site[T]) WriteHeader(int)             {}

// serve returns a function that sends one request through h.
func (s *site[T]) serve(h http.Handler, cookie string) func() {
	r, err := http.NewRequestWithContext(context.Background(), "GET", "http://localhost/", nil)
	if err != nil {
		panic(err)
	}
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	return func() {
		clear(s.header)
		h.ServeHTTP(s, r)
	}
}

func (s *site[T]) handler(f func(*T)) http.Handler {
	return s.m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f != nil {
			f(s.m.Get(r.Context()))
		}
		_, _ = io.WriteString(w, "ok")
	}))
}

var bare = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })

// TestAllocations holds the costs that do not depend on the machine.
func TestAllocations(t *testing.T) {
	s := newSite(newSmall())
	allocs := func(f func()) int { return int(testing.AllocsPerRun(500, f)) }
	floor := allocs(s.serve(bare, s.cookie))
	calls := &counting{Store: memstore.New()}
	malformed := newSite(newSmall(), sesame.WithStore(calls))
	seeded := calls.n

	require.LessOrEqual(t, allocs(s.serve(s.handler(nil), "")), floor+2, "untouched, no cookie")
	require.LessOrEqual(t, allocs(s.serve(s.handler(nil), s.cookie)), floor+2, "untouched, with a cookie")
	require.LessOrEqual(t, allocs(s.serve(s.handler(func(*small) {}), s.cookie)), floor+4+poolsForget, "read")
	require.LessOrEqual(t, allocs(s.serve(s.handler(func(s *small) { s.Times++ }), s.cookie)), floor+7+poolsForget, "changed")

	m := newSite(newMedium())
	require.LessOrEqual(t, allocs(m.serve(m.handler(func(*medium) {}), m.cookie)), floor+10+poolsForget, "read of a medium session")

	read := malformed.handler(func(*small) {})
	without := allocs(malformed.serve(read, ""))
	with := allocs(malformed.serve(read, "__Host-Http-session_id=x; __Host-Http-session_id=../../etc/passwd"))
	require.LessOrEqual(t, with, without+2+poolsForget, "a malformed cookie, refused")
	require.Equal(t, seeded, calls.n, "a malformed cookie must not reach the store")
}

type counting struct {
	store.Store
	n int
}

func (c *counting) Load(ctx context.Context, k store.Key) (store.Record, error) {
	c.n++
	return c.Store.Load(ctx, k)
}

func (c *counting) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	c.n++
	return c.Store.Save(ctx, k, r)
}

func BenchmarkBare(b *testing.B) {
	s := newSite(newSmall())
	run := s.serve(bare, s.cookie)
	b.ReportAllocs()
	for b.Loop() {
		run()
	}
}

func BenchmarkRequest(b *testing.B) {
	b.Run("session=small", func(b *testing.B) {
		benchRequest(b, newSmall(), func(s *small) { s.Times++ })
	})
	b.Run("session=medium", func(b *testing.B) {
		benchRequest(b, newMedium(), func(s *medium) { s.Cart["article-0001"]++ })
	})
}

func benchRequest[T any](b *testing.B, session T, change func(*T)) {
	for _, op := range []struct {
		name   string
		cookie bool
		do     func(*T)
	}{
		{"op=untouched", true, nil},
		{"op=read", true, func(*T) {}},
		{"op=modify", true, change},
		{"op=create", false, func(s *T) { *s = session; change(s) }},
	} {
		b.Run(op.name, func(b *testing.B) {
			s := newSite(session)
			cookie := ""
			if op.cookie {
				cookie = s.cookie
			}
			run := s.serve(s.handler(op.do), cookie)
			b.ReportAllocs()
			for b.Loop() {
				run()
			}
		})
	}
}

// BenchmarkCodec compares the codecs on a session; put your own in its place.
func BenchmarkCodec(b *testing.B) {
	b.Run("session=small", func(b *testing.B) { codectest.Bench(b, newSmall()) })
	b.Run("session=medium", func(b *testing.B) {
		codectest.Bench(b, newMedium(), codec.MsgPack, codec.JSON, gobcodec.Gob)
	})
}
