package sesame_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/dbsc"
	"github.com/sesame-go/sesame/internal/dbsc/dbsctest"
)

// Only the browser that was offered the registration can bind the session, and
// only once.
func TestHostileRegistrations(t *testing.T) {
	withDevices(t, func(t *testing.T, c *club, ann *agent) {
		bob := newAgent(t, c)
		path, annsChallenge := dbsctest.Offer(ann.do("POST", "/login").Header)
		_, bobsChallenge := dbsctest.Offer(bob.do("POST", "/login").Header)
		refused := func(status int, res answer) {
			t.Helper()
			require.Equal(t, status, res.StatusCode)
			require.Empty(t, res.Header["Set-Cookie"])
			require.Empty(t, res.Header["Secure-Session-Challenge"], "a thief must get no challenge to register")
			require.Equal(t, "ann offered", ann.get("/"))
		}
		refused(403, ann.register(path, bobsChallenge))
		refused(403, bob.register(path, annsChallenge))
		refused(403, newAgent(t, c).register(path, annsChallenge))
		refused(403, ann.register(path, ""))
		refused(403, ann.register(path, strings.Repeat("A", len(annsChallenge))))
		refused(400, ann.do("POST", path))
		refused(400, ann.do("POST", path, dbsc.HeaderResponse, ann.Refresh(annsChallenge)))
		refused(400, ann.do("POST", path, dbsc.HeaderResponse, `"`+ann.Registration(annsChallenge)))
		refused(405, ann.do("GET", path, dbsc.HeaderResponse, ann.Registration(annsChallenge)))

		late := ann.thief()
		ann.do("POST", "/login")
		refused(403, late.register(path, annsChallenge)) // its token is superseded

		require.Equal(t, 200, ann.register(path, annsChallenge).StatusCode)
		ann.refresh()
		require.Equal(t, 403, ann.register(path, annsChallenge).StatusCode, "once")
		require.Equal(t, 403, ann.thief().register(path, annsChallenge).StatusCode, "and by one key")
		require.Equal(t, "ann bound", ann.get("/"))
		require.Equal(t, 200, ann.refresh().StatusCode)

		time.Sleep(10 * time.Minute)
		require.Equal(t, 403, bob.register(path, bobsChallenge).StatusCode, "an offer is good for ten minutes")
		require.Equal(t, "ann offered", bob.get("/"))
	})
}

func TestHostileRefreshes(t *testing.T) {
	withDevices(t, func(t *testing.T, c *club, ann *agent) {
		ann.login()
		bob := newAgent(t, c).login()
		send := func(a *agent, header ...string) answer {
			return a.do("POST", refreshPath, append([]string{dbsc.HeaderID, a.id}, header...)...)
		}
		challengeOf := func(a *agent) string {
			challenge, _ := dbsctest.Challenge(send(a).Header)
			require.NotEmpty(t, challenge)
			return challenge
		}
		first, proof := challengeOf(ann), ann.jar[proofCookie]
		for name, test := range map[string]struct {
			status int
			res    answer
		}{
			"another session's challenge":  {403, send(ann, dbsc.HeaderResponse, ann.Refresh(challengeOf(bob)))},
			"another session's key":        {400, send(ann, dbsc.HeaderResponse, bob.Refresh(challengeOf(ann)))},
			"another session's token":      {400, send(ann, dbsc.HeaderResponse, bob.Refresh(challengeOf(bob)))},
			"its own proof as a challenge": {403, send(ann, dbsc.HeaderResponse, ann.Refresh(proof))},
			"a challenge as a proof":       {403, send(ann, dbsc.HeaderResponse, ann.Refresh(""))},
			"a jwk":                        {400, send(ann, dbsc.HeaderResponse, ann.Registration(challengeOf(ann)))},
			"no JWT":                       {400, send(ann, dbsc.HeaderResponse, "x")},
			"another session's name":       {404, ann.do("POST", refreshPath, dbsc.HeaderID, bob.id)},
			"no name":                      {404, ann.do("POST", refreshPath)},
			"a token for a name":           {400, ann.do("POST", refreshPath, dbsc.HeaderID, ann.jar[sessionCookie]+"!")},
			"GET":                          {405, ann.do("GET", refreshPath, dbsc.HeaderID, ann.id)},
		} {
			require.Equal(t, test.status, test.res.StatusCode, name)
			require.Empty(t, test.res.Header["Set-Cookie"], name)
			require.Equal(t, test.status == 403, test.res.Header.Get("Secure-Session-Challenge") != "", name)
		}

		// Another session's proof opens nothing.
		time.Sleep(10 * time.Second)
		ann.jar[proofCookie], bob.jar[proofCookie] = bob.jar[proofCookie], ann.jar[proofCookie]
		require.Equal(t, " none", ann.get("/"))
		require.Equal(t, " none", bob.get("/"))
		ann.jar[proofCookie] = first
		require.Equal(t, " none", ann.get("/"), "a challenge is no proof")

		// A token that is sent twice at once yields no more than the first time.
		challenge := challengeOf(ann)
		began := time.Now()
		jwt := ann.Refresh(challenge)
		mallory := ann.thief()
		require.Equal(t, 200, send(ann, dbsc.HeaderResponse, jwt).StatusCode)
		time.Sleep(29 * time.Second)
		require.Equal(t, 200, send(mallory, dbsc.HeaderResponse, `"`+jwt+`"`).StatusCode)
		time.Sleep(time.Second)
		require.Equal(t, 403, send(mallory.thief(), dbsc.HeaderResponse, jwt).StatusCode)
		time.Sleep(10*time.Minute - time.Since(began) - time.Millisecond)
		require.Equal(t, "ann bound", ann.get("/"))
		require.Equal(t, "ann bound", mallory.get("/"))
		time.Sleep(time.Millisecond)
		require.Equal(t, " none", mallory.get("/"))
		require.Equal(t, " none", ann.get("/"))
		require.Equal(t, 200, ann.refresh().StatusCode)
	})
}

// Of many cookies of the proof's name few are looked at, and the order does not
// matter.
func TestSeveralProofs(t *testing.T) {
	withDevices(t, func(t *testing.T, c *club, ann *agent) {
		ann.login()
		time.Sleep(time.Minute)
		good := proofCookie + "=" + ann.jar[proofCookie]
		for line, want := range map[string]string{
			good + "; " + proofCookie + "=planted":                    "ann bound",
			proofCookie + "=planted; " + good:                         "ann bound",
			strings.Repeat(proofCookie+"=planted; ", 4) + good:        " none",
			good + strings.Repeat("; "+proofCookie+"=planted", 100):   "ann bound",
			strings.ToUpper(proofCookie) + "=" + ann.jar[proofCookie]: " none",
		} {
			r := httptest.NewRequest("GET", "https://example.com/", nil)
			r.Header.Set("Cookie", sessionCookie+"="+ann.jar[sessionCookie]+"; "+line)
			w := httptest.NewRecorder()
			c.ServeHTTP(w, r)
			require.Equal(t, want, w.Body.String(), line)
		}
	})
}

// Within ten seconds of a renewal the token of before ends the session, but not
// in the hands of a thief.
func TestSupersededAndStale(t *testing.T) {
	withDevices(t, func(t *testing.T, c *club, ann *agent) {
		ann.login()
		time.Sleep(10 * time.Minute)
		mallory := ann.thief()
		require.Equal(t, 200, ann.refresh().StatusCode)
		own := ann.thief() // a request that is on its way, with the fresh proof
		ann.do("POST", "/login")
		for _, path := range []string{"/logout", "/login"} {
			mallory.thief().do("POST", path)
			require.Equal(t, "ann bound", ann.get("/"), path)
		}
		own.do("POST", "/logout")
		require.Equal(t, " none", ann.get("/"))
	})
}
