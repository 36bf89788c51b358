package sesame_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/codec"
	"github.com/sesame-go/sesame/codec/gobcodec"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

// TestNew: what is wrong with the program is a panic at the start, with the
// cure in the text.
func TestNew(t *testing.T) {
	type channel struct{ Cart struct{ Updates chan int } }
	type function struct{ Callback func() }
	type hidden struct{ Clock struct{ ticks int } }
	option := func(opts ...sesame.Option) func() { return func() { sesame.New[counter](opts...) } }
	seed := func(token string, v any) func() { return option(sesame.WithSessions(map[string]any{token: v})) }
	good := chosen("A")
	for name, test := range map[string]struct {
		make func()
		want string
	}{
		"int":                    {func() { sesame.New[int]() }, "T must be a struct"},
		"pointer":                {func() { sesame.New[*counter]() }, "T must be a struct"},
		"map":                    {func() { sesame.New[map[string]any]() }, "T must be a struct"},
		"interface":              {func() { sesame.New[any]() }, "T must be a struct"},
		"chan":                   {func() { sesame.New[channel]() }, "Cart.Updates"},
		"chan, json":             {func() { sesame.New[channel](sesame.WithCodec(codec.JSON)) }, "Cart.Updates"},
		"chan, gob":              {func() { sesame.New[channel](sesame.WithCodec(gobcodec.Gob)) }, "Cart.Updates"},
		"func":                   {func() { sesame.New[function]() }, "Callback"},
		"only unexported":        {func() { sesame.New[hidden]() }, "Clock"},
		"Merge":                  {func() { sesame.New[badMerge]() }, "func (mine *badMerge) Merge(base, theirs *badMerge)"},
		"Owner":                  {func() { sesame.New[badOwner]() }, "func (s *badOwner) Owner() string"},
		"Owner of a nil pointer": {func() { sesame.New[embedding]() }, "embed the struct instead"},
		"Owner, four methods":    {func() { sesame.New[owned](sesame.WithStore(struct{ store.Store }{memstore.New()})) }, "store.OwnerIndex or store.Lister"},
		"Owner, a hiding wrapper": {func() {
			sesame.New[owned](sesame.WithStore(wrapper{struct{ store.Store }{memstore.New()}, memstore.New()}))
		}, "forward the methods"},
		"idle above lifetime":      {option(sesame.WithIdleTimeout(30 * 24 * time.Hour)), "is above WithLifetime(24h0m0s)"},
		"nil option":               {option(nil), "leave it out"},
		"nil store":                {option(sesame.WithStore(nil)), "WithStore(nil)"},
		"nil codec":                {option(sesame.WithCodec(nil)), "WithCodec(nil)"},
		"nil older codec":          {option(sesame.WithCodec(codec.JSON, nil)), "older codec is nil"},
		"negative idle timeout":    {option(sesame.WithIdleTimeout(-1)), "0 for no limit"},
		"idle timeout in ns":       {option(sesame.WithIdleTimeout(30)), "WithIdleTimeout(30ns)"}, // minutes were meant; all sessions would be born dead
		"no lifetime":              {option(sesame.WithLifetime(0)), "sessions must end"},
		"lifetime in ns":           {option(sesame.WithLifetime(24)), "WithLifetime(24ns)"},
		"max size":                 {option(sesame.WithMaxSize(0)), "positive number"},
		"store timeout":            {option(sesame.WithStoreTimeout(0)), "positive duration"},
		"nil error handler":        {option(sesame.WithErrorHandler(nil)), "leave it out"},
		"cookie value":             {option(sesame.WithCookie(http.Cookie{Value: "x"})), "leave it empty"},
		"cookie age":               {option(sesame.WithCookie(http.Cookie{MaxAge: 60})), "Remember"},
		"cookie name":              {option(sesame.WithCookie(http.Cookie{Name: "my session"})), "invalid"},
		"cookie prefix":            {option(sesame.WithCookie(http.Cookie{Name: "__Host-x"}), sesame.WithInsecureCookie()), "rename it"},
		"third-party cookie":       {option(sesame.WithInsecureCookie(), sesame.WithCookie(http.Cookie{SameSite: http.SameSiteNoneMode})), "SameSite"},
		"seed's token":             {seed("ann", counter{}), "22 characters"},
		"seed of another type":     {seed(good, "ann"), "not a sesame_test.counter"},
		"seed that is nil":         {seed(good, nil), "not a sesame_test.counter"},
		"seed that points nowhere": {seed(good, (*counter)(nil)), "not a sesame_test.counter"},
		"Handler(nil)":             {func() { sesame.New[counter]().Handler(nil) }, "give it the handler"},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				text, ok := recover().(string)
				require.True(t, ok, "New must panic with a text")
				require.Contains(t, text, test.want)
				require.Regexp(t, "^sesame: ", text)
				require.NotContains(t, text, good)
			}()
			test.make()
		})
	}
	require.NotPanics(t, func() {
		sesame.New[counter](sesame.WithLogger(nil), sesame.WithObserver(nil), sesame.WithIdleTimeout(0))
	})
}

type badMerge struct{ N int }

func (badMerge) Merge(theirs badMerge) badMerge { return theirs }

type badOwner struct{ N int }

func (badOwner) Owner() int { return 0 }

// TestWithoutHandler: a sentence, not a nil pointer; another
// manager's Handler does not help.
func TestWithoutHandler(t *testing.T) {
	m, other := sesame.New[counter](), sesame.New[counter]()
	within(other, "", func(ctx context.Context, _ *counter) {
		for name, call := range map[string]func(){
			"Get":      func() { m.Get(ctx) },
			"Load":     func() { m.Load(ctx) },
			"Info":     func() { m.Info(ctx) },
			"Save":     func() { m.Save(ctx) },
			"Update":   func() { m.Update(ctx, func(*counter) error { return nil }) },
			"Renew":    func() { m.Renew(ctx) },
			"Destroy":  func() { m.Destroy(ctx) },
			"Remember": func() { m.Remember(ctx, 0, time.Hour) },
		} {
			func() {
				defer func() { require.Contains(t, recover(), "wrap the handler in the Handler", name) }()
				call()
			}()
		}
	})
}

// TestTwoManagers: of one T and of two, both in one request.
func TestTwoManagers(t *testing.T) {
	type clerk struct{ Name string }
	a := sesame.New[counter]()
	b := sesame.New[counter](sesame.WithCookie(http.Cookie{Name: "b"}))
	c := sesame.New[clerk](sesame.WithCookie(http.Cookie{Name: "c"}))
	cookies := map[string]*http.Cookie{}
	call := func(f func(ctx context.Context)) []string {
		r := httptest.NewRequest("GET", "https://example.com/", nil)
		for _, c := range cookies {
			r.AddCookie(c)
		}
		res := visitWith(a, r, b.Handler(c.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f(r.Context()) }))).ServeHTTP)
		var names []string
		for _, c := range res.Cookies() {
			names = append(names, c.Name)
			cookies[c.Name] = c
		}
		slices.Sort(names)
		return names
	}
	require.Equal(t, []string{"__Host-Http-session_id", "b", "c"}, call(func(ctx context.Context) {
		a.Get(ctx).N, b.Get(ctx).N, c.Get(ctx).Name = 1, 2, "ann"
	}))
	require.Equal(t, []string{"b"}, call(func(ctx context.Context) {
		require.Equal(t, 1, a.Get(ctx).N)
		require.Equal(t, 2, b.Get(ctx).N)
		require.Equal(t, "ann", c.Get(ctx).Name)
		b.Destroy(ctx)
	}))
	require.Empty(t, call(func(ctx context.Context) {
		require.Equal(t, 1, a.Get(ctx).N)
		require.Equal(t, 0, b.Get(ctx).N)
	}))
}

// TestSave: at once, once, and with the truth about sessions that are gone.
func TestSave(t *testing.T) {
	st := newFake()
	m := sesame.New[counter](sesame.WithStore(st))
	token := tokenOf(within(m, "", func(ctx context.Context, c *counter) {
		require.NoError(t, m.Save(ctx))
		require.Empty(t, st.called(), "there is nothing to save")
		c.N++
		require.NoError(t, m.Save(ctx))
		require.Equal(t, []int{1}, values(records(t, st.Store.(*memstore.Store))))
		require.NoError(t, m.Save(ctx))
	}))
	require.Equal(t, []string{"save"}, st.called())
	within(m, token, func(ctx context.Context, c *counter) {
		loaded, err := m.Load(ctx)
		require.NoError(t, err)
		require.Same(t, c, loaded)
		must(m.Revoke(ctx, m.Info(ctx).ID))
		c.N++
		require.ErrorIs(t, m.Save(ctx), sesame.ErrNotFound)
		require.ErrorIs(t, m.Update(ctx, func(*counter) error { panic("it is gone") }), sesame.ErrNotFound)
		require.ErrorIs(t, m.Save(ctx), sesame.ErrNotFound)
		require.Empty(t, records(t, st.Store.(*memstore.Store)))
		m.Destroy(ctx)
		require.Zero(t, *c)
		require.NoError(t, m.Save(ctx))
		c.N = 7 // a new session
		require.NoError(t, m.Save(ctx))
	})
	require.Equal(t, []int{7}, values(records(t, st.Store.(*memstore.Store))))
}

// TestUpdate: exact however many there are, and all or nothing (I3).
func TestUpdate(t *testing.T) {
	const requests, goroutines = 8, 4
	st := memstore.New()
	m := sesame.New[counter](sesame.WithStore(st))
	token := issue(t, m, func(c *counter) { c.N = 1 })
	var loaded, done sync.WaitGroup
	loaded.Add(requests)
	for range requests {
		done.Go(func() {
			within(m, token, func(ctx context.Context, _ *counter) {
				loaded.Done()
				loaded.Wait() // so that all start from the same version
				var all sync.WaitGroup
				for range goroutines {
					all.Go(func() {
						if err := m.Update(ctx, func(c *counter) error { c.N++; return nil }); err != nil {
							t.Error(err)
						}
					})
				}
				all.Wait()
			})
		})
	}
	done.Wait()
	require.Equal(t, []int{1 + requests*goroutines}, values(records(t, st)))

	within(m, token, func(ctx context.Context, c *counter) {
		n := c.N
		require.ErrorIs(t, m.Update(ctx, func(c *counter) error { c.N = 0; return errDown }), errDown)
		require.Equal(t, n, c.N)
		require.Panics(t, func() { m.Update(ctx, func(c *counter) error { c.N = 0; panic("fn") }) })
		require.Equal(t, n, c.N)
		require.NoError(t, m.Update(ctx, func(c *counter) error { c.N++; return nil }))
		require.Equal(t, []int{n + 1}, values(records(t, st)))
		require.Equal(t, n, c.N, "Update does not touch the *T")
		require.Equal(t, n+1, m.Get(ctx).N, "the next Get does")
		require.NoError(t, m.Update(ctx, func(*counter) error { return nil }))
	})
}

// TestFailedUpdate: "the session is as it was" goes for fields that are never
// stored, and for maps that the handler has taken out before: what it writes
// to them afterwards must not be lost without a word (I3).
func TestFailedUpdate(t *testing.T) {
	type draft struct {
		Tags    map[string]int
		Scratch string `msgpack:"-"`
		private string
	}
	fail := func(*draft) error { return errDown }
	m := sesame.New[draft]()
	t.Run("unsaved fields", func(t *testing.T) {
		within(m, "", func(ctx context.Context, d *draft) {
			d.Scratch, d.private = "a", "b"
			require.ErrorIs(t, m.Update(ctx, fail), errDown)
			require.Equal(t, draft{nil, "a", "b"}, *d)
		})
	})
	t.Run("maps", func(t *testing.T) {
		token := issue(t, m, func(d *draft) { d.Tags = map[string]int{"a": 1} })
		within(m, token, func(ctx context.Context, d *draft) {
			tags := d.Tags
			require.ErrorIs(t, m.Update(ctx, fail), errDown)
			tags["b"] = 2
		})
		within(m, token, func(_ context.Context, d *draft) {
			require.Equal(t, map[string]int{"a": 1, "b": 2}, d.Tags)
		})
	})
}

// TestInfo follows a session through its life.
func TestInfo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := sesame.New[owned]()
		began := time.Now()
		token := tokenOf(within(m, "", func(ctx context.Context, s *owned) {
			s.User = "ann"
			require.Equal(t, sesame.Info{New: true, Owner: "ann"}, m.Info(ctx))
			must(m.Save(ctx))
			info := m.Info(ctx)
			require.False(t, info.New)
			require.Equal(t, began.UnixMilli(), info.Created.UnixMilli())
			require.Equal(t, info.Created, info.Renewed)
			require.Equal(t, info.Created, info.Used)
			require.Equal(t, began.Add(time.Hour).UnixMilli(), info.Expires.UnixMilli())
		}))
		time.Sleep(time.Minute)
		within(m, token, func(ctx context.Context, s *owned) {
			id := m.Info(ctx).ID
			require.Equal(t, keyOf(token).String(), id)
			m.Renew(ctx)
			require.Equal(t, id, m.Info(ctx).ID, "until the next save it is as stored")
			must(m.Save(ctx))
			require.Equal(t, id, m.Info(ctx).ID, "one ID for life")
			info := m.Info(ctx)
			require.Equal(t, began.UnixMilli(), info.Created.UnixMilli())
			require.Equal(t, began.Add(time.Minute).UnixMilli(), info.Renewed.UnixMilli())
			require.Equal(t, began.Add(time.Minute).UnixMilli(), info.Used.UnixMilli())
			m.Destroy(ctx)
			require.Equal(t, sesame.Info{New: true}, m.Info(ctx))
		})
	})
}

// TestRemember: the cookie outlives the browser, used or not, until it is
// forgotten; a renewed session stays remembered.
func TestRemember(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const month = 30 * 24 * time.Hour
		m := sesame.New[counter]()
		res := within(m, "", func(ctx context.Context, c *counter) { c.N = 5; m.Remember(ctx, 0, month) })
		require.Equal(t, int(month/time.Second), res.Cookies()[0].MaxAge)
		token := tokenOf(res)
		time.Sleep(month / 2)
		res = within(m, token, func(ctx context.Context, c *counter) {
			require.Equal(t, 5, c.N)
			require.Equal(t, month/2, time.Until(m.Info(ctx).Expires).Round(time.Second))
			c.N++
		})
		require.Empty(t, res.Cookies(), "neither its end nor its cookie has moved")
		res = within(m, token, func(ctx context.Context, _ *counter) { m.Renew(ctx) })
		require.Equal(t, int(month/time.Second), res.Cookies()[0].MaxAge, "it lives as long anew")
		token = tokenOf(res)
		time.Sleep(month - time.Second)
		res = within(m, token, func(ctx context.Context, c *counter) { require.Equal(t, 6, c.N); m.Remember(ctx, 0, 2*month) })
		require.Equal(t, token, tokenOf(res))
		require.Equal(t, int(2*month/time.Second), res.Cookies()[0].MaxAge)
		res = within(m, token, func(ctx context.Context, _ *counter) { m.Remember(ctx, 0, 0) })
		require.Equal(t, token, tokenOf(res))
		require.NotContains(t, res.Header.Get("Set-Cookie"), "Max-Age")
		time.Sleep(time.Hour)
		within(m, token, func(_ context.Context, c *counter) { require.Zero(t, *c) })

		require.Empty(t, within(m, "", func(ctx context.Context, _ *counter) { m.Remember(ctx, 0, month) }).Cookies(), "nothing to remember")
		token = tokenOf(within(m, "", func(ctx context.Context, c *counter) { c.N = 5; m.Remember(ctx, 0, month) }))
		time.Sleep(month)
		within(m, token, func(_ context.Context, c *counter) { require.Zero(t, *c) })
	})
}

// TestWithSessions: values and pointers, and what is stored already stays.
func TestWithSessions(t *testing.T) {
	a, b, st := chosen("A"), chosen("B"), memstore.New()
	m := sesame.New[counter](sesame.WithStore(st),
		sesame.WithSessions(map[string]counter{a: {N: 1}}), sesame.WithSessions(map[string]*counter{b: {N: 2}}))
	within(m, a, func(_ context.Context, c *counter) { require.Equal(t, 1, c.N); c.N = 3 })
	within(m, b, func(_ context.Context, c *counter) { require.Equal(t, 2, c.N) })
	m = sesame.New[counter](sesame.WithStore(st), sesame.WithSessions(map[string]counter{a: {N: 1}}))
	within(m, a, func(_ context.Context, c *counter) { require.Equal(t, 3, c.N) })
	down, w := newFake(), newWitness()
	down.down()
	require.NotPanics(t, func() {
		sesame.New[counter](sesame.WithStore(down), w.logger(), sesame.WithSessions(map[string]counter{a: {N: 1}}))
	})
	require.Contains(t, w.log.String(), errDown.Error())
	require.NotContains(t, w.log.String(), a)
}

// TestCodecSwitch: sessions stay readable, and are written again when they
// change, not when they are read.
func TestCodecSwitch(t *testing.T) {
	codecs := []codec.Codec{codec.MsgPack, codec.JSON, gobcodec.Gob}
	for _, from := range codecs {
		for _, to := range codecs {
			t.Run(fmt.Sprint(from, " to ", to), func(t *testing.T) {
				type old struct{ Tags map[string]int }
				type grown struct {
					Tags map[string]int
					Seen []string
				}
				st := newFake()
				before := sesame.New[old](sesame.WithStore(st), sesame.WithCodec(from))
				after := sesame.New[grown](sesame.WithStore(st), sesame.WithCodec(to, gobcodec.Gob))
				token := issue(t, before, func(s *old) { s.Tags = map[string]int{"a": 1, "b": 2, "c": 3} })
				st.up()
				within(after, token, func(ctx context.Context, s *grown) {
					require.Equal(t, grown{Tags: map[string]int{"a": 1, "b": 2, "c": 3}}, *s)
					must(after.Save(ctx))
				})
				require.Equal(t, []string{"load"}, st.called())
				within(after, token, func(_ context.Context, s *grown) { s.Tags["a"]++ })
				require.Equal(t, []string{"load", "load", "save"}, st.called())
				rec, err := st.Store.Load(t.Context(), keyOf(token))
				require.NoError(t, err)
				require.Equal(t, to.ID(), rec.Data[34])
			})
		}
	}
}

// TestStoreTimeout: a store that hangs does not hold a request forever.
func TestStoreTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := sesame.New[counter](sesame.WithStore(hanging{newFake()}), sesame.WithStoreTimeout(3*time.Second), newWitness().logger())
		began := time.Now()
		require.Equal(t, 503, within(m, "", func(_ context.Context, c *counter) { c.N++ }).StatusCode)
		require.Equal(t, 3*time.Second, time.Since(began))

		began = time.Now()
		res := within(m, chosen("A"), func(context.Context, *counter) { t.Error("loaded") })
		require.Equal(t, 503, res.StatusCode)
		require.Empty(t, res.Cookies())
		require.Equal(t, 3*time.Second, time.Since(began))
	})
}

type hanging struct{ store.Store }

func (hanging) Load(ctx context.Context, _ store.Key) (store.Record, error) {
	<-ctx.Done()
	return store.Record{}, ctx.Err()
}

func (hanging) Save(ctx context.Context, _ store.Key, _ store.Record) (uint64, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

// embedding has the Owner of a pointer that is nil until a user logs in.
type embedding struct{ *Member }

// wrapper is a store around another one that forwards the four methods only.
type wrapper struct {
	store.Store
	inner store.Store
}

func (w wrapper) Unwrap() store.Store { return w.inner }

// TestHiddenSweep: expired sessions would stay for good behind a wrapper that
// does not forward Sweep, so New tells.
func TestHiddenSweep(t *testing.T) {
	w := newWitness()
	sesame.New[counter](w.logger(), sesame.WithStore(wrapper{struct{ store.Store }{memstore.New()}, memstore.New()}))
	require.Contains(t, w.log.String(), "no method Sweep that forwards to it")
	require.Contains(t, w.log.String(), "sesame_test.wrapper")

	w = newWitness()
	sesame.New[counter](w.logger(), sesame.WithStore(memstore.New()))
	sesame.New[counter](w.logger(), sesame.WithStore(newFake()))
	require.Empty(t, w.log.String())
}

// TestRememberRefuses: limits that cannot be meant are a programmer's error.
func TestRememberRefuses(t *testing.T) {
	m := sesame.New[counter]()
	within(m, "", func(ctx context.Context, _ *counter) {
		for _, limits := range [][2]time.Duration{{-1, time.Hour}, {time.Hour, -1}, {2 * time.Hour, time.Hour}} {
			require.Panics(t, func() { m.Remember(ctx, limits[0], limits[1]) })
		}
		require.NotPanics(t, func() { m.Remember(ctx, time.Hour, 0) })
	})
}

// TestRememberSlides: record and cookie move with use, not at each request, up
// to the lifetime.
func TestRememberSlides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const day = 24 * time.Hour
		st := newFake()
		m := sesame.New[counter](sesame.WithStore(st))
		token := tokenOf(within(m, "", func(ctx context.Context, c *counter) { c.N = 5; m.Remember(ctx, 30*day, 90*day) }))
		st.up()
		for range 100 {
			require.Empty(t, within(m, token, func(context.Context, *counter) {}).Cookies())
		}
		require.NotContains(t, st.called(), "save")
		began := time.Now()
		for time.Since(began) < 90*day-time.Minute {
			time.Sleep(4 * day)
			res := within(m, token, func(_ context.Context, c *counter) {
				require.Equal(t, time.Since(began) < 90*day, c.N == 5, time.Since(began))
			})
			if time.Since(began) < 86*day {
				require.Equal(t, token, tokenOf(res))
				want := min(30*day, 90*day-time.Since(began))
				require.InDelta(t, want.Seconds(), res.Cookies()[0].MaxAge, 2)
			}
		}
	})
}
