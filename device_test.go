package sesame_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/internal/dbsc"
	"github.com/sesame-go/sesame/internal/dbsc/dbsctest"
	"github.com/sesame-go/sesame/store/memstore"
)

const (
	sessionCookie = "__Host-Http-session_id"
	proofCookie   = "__Host-session_id_device"
)

// club is a program whose sessions are bound to devices.
type club struct {
	t  *testing.T
	m  *sesame.Manager[member]
	st *spy
	w  *witness
	http.Handler
}

func newClub(t *testing.T, st *spy, opts ...sesame.Option) *club {
	w := newWitness()
	opts = append([]sesame.Option{sesame.WithStore(st.full(st.Store.(*memstore.Store))), w.observer(), discard(), sesame.WithDeviceBinding()}, opts...)
	m := sesame.New[member](opts...)
	c := &club{t: t, m: m, st: st, w: w}
	c.Handler = m.Handler(c.pages())
	return c
}

func (c *club) pages() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/static", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, c.m.Get(r.Context()).User, " ", c.m.Info(r.Context()).Device)
	})
	mux.HandleFunc("/count", func(w http.ResponseWriter, r *http.Request) {
		s := c.m.Get(r.Context())
		s.Visits++
		fmt.Fprint(w, s.User, s.Visits)
	})
	mux.HandleFunc("/login", func(_ http.ResponseWriter, r *http.Request) {
		c.m.Renew(r.Context())
		c.m.Get(r.Context()).User = "ann"
	})
	mux.HandleFunc("/logout", func(_ http.ResponseWriter, r *http.Request) { c.m.Destroy(r.Context()) })
	mux.HandleFunc("/password", func(w http.ResponseWriter, r *http.Request) {
		if c.m.Prove(w, r) {
			fmt.Fprint(w, "changed by "+c.m.Get(r.Context()).User)
		}
	})
	return mux
}

// agent is a browser that binds sessions, made by hand.
type agent struct {
	t *testing.T
	http.Handler
	dbsctest.Device
	jar map[string]string
	id  string // of the bound session
}

func newAgent(t *testing.T, h http.Handler) *agent {
	return &agent{t, h, dbsctest.New(), map[string]string{}, ""}
}

// thief has a copy of the agent's cookies.
func (a *agent) thief() *agent {
	return &agent{a.t, a.Handler, dbsctest.New(), maps.Clone(a.jar), a.id}
}

type answer struct {
	*http.Response
	body string
}

func (a *agent) do(method, path string, header ...string) answer {
	r := httptest.NewRequest(method, "https://example.com"+path, nil)
	for name, value := range a.jar {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if a.jar[c.Name] = c.Value; c.MaxAge < 0 {
			delete(a.jar, c.Name)
		}
	}
	return answer{w.Result(), w.Body.String()}
}

func (a *agent) get(path string) string { return a.do("GET", path).body }

// login logs in and registers the device.
func (a *agent) login() *agent {
	path, challenge := dbsctest.Offer(a.do("POST", "/login").Header)
	require.Equal(a.t, 200, a.register(path, challenge).StatusCode)
	return a
}

func (a *agent) register(path, challenge string) answer {
	res := a.do("POST", path, dbsc.HeaderResponse, a.Registration(challenge))
	if res.StatusCode == 200 {
		var instructions struct {
			ID string `json:"session_identifier"`
		}
		require.NoError(a.t, json.Unmarshal([]byte(res.body), &instructions))
		a.id = instructions.ID
	}
	return res
}

const refreshPath = "/session-device/refresh"

// refresh asks for a challenge and answers it. It returns the answer to the
// last request.
func (a *agent) refresh() answer {
	res := a.do("POST", refreshPath, dbsc.HeaderID, a.id)
	if res.StatusCode != 403 {
		return res
	}
	challenge, id := dbsctest.Challenge(res.Header)
	require.Equal(a.t, a.id, id)
	return a.do("POST", refreshPath, dbsc.HeaderID, a.id, dbsc.HeaderResponse, a.Refresh(challenge))
}

// withDevices runs f with a program and a browser, in fake time.
func withDevices(t *testing.T, f func(t *testing.T, c *club, ann *agent)) {
	synctest.Test(t, func(t *testing.T) {
		c := newClub(t, newSpy(memstore.New()))
		f(t, c, newAgent(t, c))
	})
}

func TestDeviceBinding(t *testing.T) {
	withDevices(t, func(t *testing.T, c *club, ann *agent) {
		require.Equal(t, " none", ann.get("/"))
		res := ann.do("POST", "/login")
		path, challenge := dbsctest.Offer(res.Header)
		require.Equal(t, `(ES256 RS256);path="/session-device/register";challenge="`+challenge+`"`, res.Header.Get("Secure-Session-Registration"))
		require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
		require.Equal(t, "ann offered", ann.get("/"))

		c.w.reset()
		res = ann.register(path, challenge)
		require.Equal(t, 200, res.StatusCode)
		id, _, _ := strings.Cut(ann.jar[sessionCookie], ".")
		require.JSONEq(t, `{"session_identifier": "`+id+`", "refresh_url": "/session-device/refresh", "scope": {"include_site": false},
			"credentials": [{"type": "cookie", "name": "__Host-session_id_device", "attributes": "Path=/; HttpOnly; Secure; SameSite=Lax"}]}`, res.body)
		require.Equal(t, []string{proofCookie + "=" + ann.jar[proofCookie] + "; Path=/; Max-Age=590; HttpOnly; Secure; SameSite=Lax"}, res.Header["Set-Cookie"])
		require.Equal(t, []sesame.EventKind{sesame.EventBound}, c.w.kinds())
		require.Equal(t, "ann bound", ann.get("/"))

		// Requests that were on their way when the key was registered are not stale.
		early := ann.thief()
		delete(early.jar, proofCookie)
		require.Equal(t, "ann bound", early.get("/"))
		time.Sleep(10 * time.Second)
		require.Equal(t, " none", early.get("/"))

		// A refresh reads and does not write.
		mallory := ann.thief()
		time.Sleep(9*time.Minute + 49*time.Second)
		require.Equal(t, "ann bound", ann.get("/"))
		require.Equal(t, "ann bound", mallory.get("/"), "a stolen cookie is worth ten minutes")
		c.st.reset()
		require.Equal(t, 200, ann.refresh().StatusCode)
		require.Equal(t, []string{"load", "load"}, c.st.ops())
		time.Sleep(time.Second)
		require.Equal(t, "ann bound", ann.get("/"))
		require.Equal(t, " none", mallory.get("/"))
		require.Equal(t, 400, mallory.refresh().StatusCode, "her device has another key")
		require.Equal(t, " none", mallory.get("/"))
	})
}

// What a stale request does leaves the session to its owner.
func TestStale(t *testing.T) {
	withDevices(t, func(t *testing.T, c *club, ann *agent) {
		ann.get("/count")
		ann.login()
		time.Sleep(10 * time.Minute)
		mallory := ann.thief()
		require.Equal(t, 200, ann.refresh().StatusCode)
		id, _, _ := strings.Cut(ann.jar[sessionCookie], ".")

		c.st.reset()
		c.w.reset()
		res := mallory.do("GET", "/count")
		require.Equal(t, "1", res.body)
		require.Empty(t, res.Cookies())
		require.Equal(t, []string{"load"}, c.st.ops())
		require.Equal(t, []sesame.EventKind{sesame.EventStale}, c.w.kinds())
		require.Equal(t, id, c.w.all()[0].ID)

		eve := mallory.thief()
		c.st.reset()
		res = eve.do("POST", "/logout")
		require.Empty(t, eve.jar, "her cookies are deleted: %v", res.Header)
		require.NotContains(t, c.st.ops(), "delete")
		require.Equal(t, "ann bound", ann.get("/"))

		res = mallory.do("POST", "/login")
		require.Equal(t, 200, res.StatusCode)
		other, _, _ := strings.Cut(mallory.jar[sessionCookie], ".")
		require.NotEqual(t, id, other)
		require.Equal(t, "ann1", mallory.get("/count"), "it starts from zero")
		require.Equal(t, "ann2", ann.get("/count"))

		require.Equal(t, "ann bound", ann.get("/"))
		ann.do("POST", "/logout")
		require.Empty(t, ann.jar)
		_, err := c.m.Find(t.Context(), id)
		require.ErrorIs(t, err, sesame.ErrNotFound)
	})
}

// A renewal keeps the binding, and a refresh that crosses it is not refused.
func TestRenewKeepsTheDevice(t *testing.T) {
	withDevices(t, func(t *testing.T, c *club, ann *agent) {
		ann.login()
		before := ann.thief()
		before.Device = ann.Device
		for range 3 {
			res := ann.do("POST", "/login")
			require.NotEmpty(t, res.Cookies())
			require.Empty(t, res.Header.Values("Secure-Session-Registration"))
			require.Equal(t, "ann bound", ann.get("/"))
		}
		time.Sleep(time.Hour / 2)
		require.Equal(t, 200, before.refresh().StatusCode)
		require.Equal(t, " none", before.get("/"), "but its token is dead")
		ann.jar[proofCookie] = before.jar[proofCookie]
		require.Equal(t, "ann bound", ann.get("/"))
	})
}

func TestRefreshEndsWithTheSession(t *testing.T) {
	for name, end := range map[string]func(c *club, a *agent){
		"log-out":     func(_ *club, a *agent) { a.thief().do("POST", "/logout") },
		"Revoke":      func(c *club, a *agent) { require.NoError(c.t, c.m.Revoke(c.t.Context(), a.id)) },
		"RevokeOwner": func(c *club, _ *agent) { _, err := c.m.RevokeOwner(c.t.Context(), "ann"); require.NoError(c.t, err) },
		"no cookie":   func(_ *club, a *agent) { clear(a.jar) },
		"expiry":      func(*club, *agent) { time.Sleep(2 * time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			withDevices(t, func(t *testing.T, c *club, ann *agent) {
				ann.login()
				end(c, ann)
				require.Equal(t, 404, ann.refresh().StatusCode)
			})
		})
	}
}

// Two processes share a store: either answers what the other has asked.
func TestTwoManagersAndADevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newSpy(memstore.New())
		all := []*club{newClub(t, st), newClub(t, st)}
		turn := 0
		site := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			turn++
			all[turn%2].ServeHTTP(w, r)
		})
		ann := newAgent(t, site).login()
		for range 3 {
			time.Sleep(11 * time.Minute)
			st.reset()
			require.Equal(t, " none", ann.get("/"))
			require.Equal(t, 200, ann.refresh().StatusCode)
			require.Equal(t, "ann bound", ann.get("/"))
			ops := slices.DeleteFunc(st.ops(), func(op string) bool { return op == "touch" })
			require.Equal(t, []string{"load", "load", "load", "load"}, ops)
		}
	})
}
