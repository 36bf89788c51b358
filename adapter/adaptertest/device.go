package adaptertest

import (
	"context"
	"net/http"
	"strings"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/internal/dbsc"
	"github.com/sesame-go/sesame/internal/dbsc/dbsctest"
)

// device registers a browser's key at an address that the framework has no route
// for.
func device(s *site) {
	s.sessions = s.manager(sesame.WithDeviceBinding())
	c := s.serve(map[string]func(context.Context) Answer{
		"/login": func(ctx context.Context) Answer {
			s.sessions.Get(ctx).User = "ann"
			s.sessions.Renew(ctx)
			return ok("welcome")
		},
		"/device": func(ctx context.Context) Answer { return ok("%v", s.sessions.Info(ctx).Device) },
	})
	path, challenge := dbsctest.Offer(c.fetch("/login", "welcome").Header)
	if challenge == "" {
		s.Fatal("the log-in's response offers no registration")
	}
	r := get(s.T, c.url, path)
	r.Method = http.MethodPost
	r.Header.Set(dbsc.HeaderResponse, dbsctest.New().Registration(challenge))
	a := c.send(r)
	switch {
	case a == nil || a.StatusCode != http.StatusOK:
		s.Fatalf("a registration is answered by %v", a)
	case !strings.HasPrefix(a.body, "{") || !strings.HasSuffix(a.body, "}"):
		s.Errorf("the body is %q: the framework must add nothing to it", a.body)
	}
	c.fetch("/device", handlers+"bound")
}
