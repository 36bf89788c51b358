package sesame_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/codec"
	"github.com/sesame-go/sesame/internal/dbsc/dbsctest"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

// A program without binding does not take a bound session for an ordinary one,
// and a thief cannot end it there.
func TestProgramWithoutBinding(t *testing.T) {
	withDevices(t, func(t *testing.T, c *club, ann *agent) {
		ann.login()
		w := newWitness()
		m := sesame.New[member](sesame.WithStore(c.st.Store), discard(), w.observer())
		other := &club{t: t, m: m}
		old := ann.thief()
		old.Handler = m.Handler(other.pages())
		require.Equal(t, "1", old.get("/count"))
		require.Equal(t, []sesame.EventKind{sesame.EventNewer}, w.kinds())
		require.ErrorContains(t, w.all()[0].Err, "WithDeviceBinding")
		old.do("POST", "/logout")
		require.Equal(t, "ann bound", ann.get("/"))
		require.Equal(t, 404, old.do("POST", refreshPath).StatusCode)

		// An administrator's program needs no proof.
		e, err := m.Find(t.Context(), ann.id)
		require.NoError(t, err)
		require.Equal(t, sesame.DeviceBound, e.Device)
		require.NoError(t, m.UpdateByID(t.Context(), ann.id, func(s *member) error { s.Visits = 5; return nil }))
		require.Equal(t, "ann6", ann.get("/count"))
		for e, err := range m.OwnedBy(t.Context(), "ann") {
			require.NoError(t, err)
			require.Equal(t, sesame.DeviceBound, e.Device)
		}
	})
}

// A store that fails, and a record that this program cannot read, do not cost
// the browser its key.
func TestRefreshWithoutAnAnswer(t *testing.T) {
	withDevices(t, func(t *testing.T, c *club, ann *agent) {
		path, challenge := dbsctest.Offer(ann.do("POST", "/login").Header)
		down := func(op string) {
			c.w.reset()
			c.st.before = func(at string, _ store.Key) error {
				if at == op {
					return errDown
				}
				return nil
			}
		}
		for _, op := range []string{"load", "save"} {
			down(op)
			require.Equal(t, 503, ann.register(path, challenge).StatusCode, op)
			require.Equal(t, []sesame.EventKind{sesame.EventStoreError}, c.w.kinds(), op)
		}
		down("")
		require.Equal(t, 200, ann.register(path, challenge).StatusCode)
		down("load")
		require.Equal(t, 503, ann.refresh().StatusCode)
		require.Equal(t, []sesame.EventKind{sesame.EventStoreError}, c.w.kinds())
		down("")
		require.Equal(t, 200, ann.refresh().StatusCode)
		engine := c.st.Store.(*memstore.Store)
		good := recordOf(t, engine, ann.jar[sessionCookie]).Data
		for name, spoil := range later {
			spoilRecord(t, engine, ann.jar[sessionCookie], spoil)
			require.Equal(t, 503, ann.refresh().StatusCode, name)
			spoilRecord(t, engine, ann.jar[sessionCookie], func(r *store.Record) { r.Data = good })
		}
	})
}

func TestDeviceOptions(t *testing.T) {
	for want, opts := range map[string][]sesame.Option{
		"WithProofLifetime(2m59s): use 3m0s or more": {sesame.WithDeviceBinding(sesame.WithProofLifetime(3*time.Minute - time.Second))},
		"an option is nil":                           {sesame.WithDeviceBinding(nil)},
		"drop WithInsecureCookie":                    {sesame.WithDeviceBinding(), sesame.WithInsecureCookie()},
		"Partitioned":                                {sesame.WithDeviceBinding(), sesame.WithCookie(http.Cookie{Partitioned: true, SameSite: http.SameSiteNoneMode})},
		"for all hosts of example.com":               {sesame.WithDeviceBinding(), sesame.WithCookie(http.Cookie{Domain: "example.com"})},
		`WithProofPath("")`:                          {sesame.WithDeviceBinding(sesame.WithProofPath(""))},
		`WithProofPath("/")`:                         {sesame.WithDeviceBinding(sesame.WithProofPath("/"))},
		`WithProofPath("a")`:                         {sesame.WithDeviceBinding(sesame.WithProofPath("a"))},
		`WithProofPath("/a/")`:                       {sesame.WithDeviceBinding(sesame.WithProofPath("/a/"))},
		`WithProofPath("/a/../b")`:                   {sesame.WithDeviceBinding(sesame.WithProofPath("/a/../b"))},
		`WithProofPath("/a\"b")`:                     {sesame.WithDeviceBinding(sesame.WithProofPath(`/a"b`))},
		`WithProofPath("/a?b")`:                      {sesame.WithDeviceBinding(sesame.WithProofPath("/a?b"))},
		"below that of the cookie, /app":             {sesame.WithDeviceBinding(sesame.WithProofPath("/apple")), sesame.WithCookie(http.Cookie{Path: "/app"})},
		"WithProofAlgorithms([])":                    {sesame.WithDeviceBinding(sesame.WithProofAlgorithms())},
		`WithProofAlgorithms(["none"])`:              {sesame.WithDeviceBinding(sesame.WithProofAlgorithms("none"))},
	} {
		func() {
			defer func() { require.Contains(t, recover(), want) }()
			sesame.New[member](opts...)
		}()
	}
	m := sesame.New[member](discard(), sesame.WithCookie(http.Cookie{Path: "/app/", Name: "__Http-id"}), sesame.WithDeviceBinding())
	res := visit(m, "", func(_ http.ResponseWriter, r *http.Request) {
		m.Renew(r.Context())
		m.Get(r.Context()).User = "ann"
	})
	require.Contains(t, res.Header.Get("Secure-Session-Registration"), `;path="/app/session-device/register";`)
	require.Equal(t, "none offered bound", fmt.Sprint(sesame.DeviceNone, sesame.DeviceOffered, sesame.DeviceBound))
}

// Two managers of a site each answer for their own sessions, at paths of their
// own.
func TestTwoManagersBind(t *testing.T) {
	name := func(n string) sesame.Option { return sesame.WithCookie(http.Cookie{Name: n}) }
	outer := sesame.New[member](discard(), name("a"), sesame.WithDeviceBinding())
	inner := sesame.New[member](discard(), name("b"), sesame.WithDeviceBinding())
	nested := func(inner *sesame.Manager[member]) http.Handler {
		return outer.Handler(inner.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for _, m := range []*sesame.Manager[member]{outer, inner} {
				if r.URL.Path == "/login" {
					m.Renew(r.Context())
					m.Get(r.Context()).User = "ann"
				}
				fmt.Fprint(w, m.Get(r.Context()).User, m.Info(r.Context()).Device, " ")
			}
		})))
	}
	require.PanicsWithValue(t, "sesame: two managers bind sessions at /session-device/register, one inside the other's Handler: give one of them another path, sesame.WithProofPath(...)",
		func() { newAgent(t, nested(inner)).get("/") })

	inner = sesame.New[member](discard(), name("b"), sesame.WithDeviceBinding(sesame.WithProofPath("/other")))
	ann := newAgent(t, nested(inner))
	res := ann.do("POST", "/login")
	for _, line := range res.Header["Secure-Session-Registration"] {
		path, challenge := dbsctest.Offer(http.Header{"Secure-Session-Registration": {line}})
		require.Equal(t, 200, ann.register(path, challenge).StatusCode, path)
	}
	require.Equal(t, "annbound annbound ", ann.get("/"))
}

// What the record of a bound session looks like, for people who read their database.
func TestBoundRecord(t *testing.T) {
	withDevices(t, func(t *testing.T, c *club, ann *agent) {
		ann.login()
		r := recordOf(t, c.st.Store.(*memstore.Store), ann.jar[sessionCookie])
		require.EqualValues(t, 2, r.Data[offFlags])
		require.Equal(t, 2+16+8+91, appended(r))
		require.Equal(t, []byte{0, 16 + 8 + 91}, r.Data[offPayload:offPayload+2])
		require.Equal(t, time.Now().UnixMilli(), number(r, offPayload+2+16))
		var s member
		require.NoError(t, codec.MsgPack.Decode(r.Data[offPayload+appended(r):], &s))
		require.Equal(t, "ann", s.User)
	})
}

// The option costs requests nothing that have no bound session.
func TestCostOfDevices(t *testing.T) {
	cost := func(path string, login bool, opts ...sesame.Option) float64 {
		c := newClub(t, newSpy(memstore.New()))
		c.m = sesame.New[member](append(opts, discard())...)
		h := c.m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/login":
				c.m.Renew(r.Context())
				c.m.Get(r.Context()).User = "ann"
			case "/read":
				c.m.Get(r.Context())
			}
		}))
		a := newAgent(t, h)
		if login {
			a.do("POST", "/login")
		}
		r := httptest.NewRequest("GET", "https://example.com"+path, nil)
		for name, value := range a.jar {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
		w := &bareWriter{h: http.Header{}}
		return testing.AllocsPerRun(200, func() {
			clear(w.h)
			h.ServeHTTP(w, r)
		})
	}
	for _, path := range []string{"/untouched", "/read"} {
		for _, login := range []bool{false, true} {
			require.InDelta(t, cost(path, login), cost(path, login, sesame.WithDeviceBinding()), poolsForget, "%s, logged in: %t", path, login)
		}
	}
}

type bareWriter struct{ h http.Header }

func (w *bareWriter) Header() http.Header         { return w.h }
func (w *bareWriter) Write(p []byte) (int, error) { return len(p), nil }
func (w *bareWriter) WriteHeader(int)             {}
