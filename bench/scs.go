package bench

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"
)

const (
	idle     = time.Hour
	lifetime = 24 * time.Hour
)

// scsSite is alexedwards/scs: LoadAndSave around everything, as its README has
// it, with the lifetimes of the others. Without an idle timeout it need not
// save a session that was only read.
func scsSite(v values, store scs.Store, codec scs.Codec, idle time.Duration, closers ioClosers) Site {
	m := scs.New()
	m.Store, m.Codec = store, codec
	m.IdleTimeout, m.Lifetime = idle, lifetime
	m.Cookie.Secure, m.Cookie.Persist = true, false
	m.ErrorFunc = func(_ http.ResponseWriter, _ *http.Request, err error) { panic(err) }
	held := new(gate)
	pool := sync.Pool{New: func() any { return &scsValues{m: m} }}
	return httpSite{
		handlers: func(op Op) http.Handler {
			do := act(op, v, held)
			return m.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				answer := ok
				if do != nil {
					session := pool.Get().(*scsValues)
					session.ctx = r.Context()
					if op == Renew {
						if err := m.RenewToken(session.ctx); err != nil {
							panic(err)
						}
					}
					answer = do(session)
					pool.Put(session)
				}
				_, _ = w.Write(answer)
			}))
		},
		close: closers.Close,
	}
}

type scsValues struct {
	m   *scs.SessionManager
	ctx context.Context
}

func (v *scsValues) Get(key any) any    { return v.m.Get(v.ctx, key.(string)) }
func (v *scsValues) Set(key, value any) { v.m.Put(v.ctx, key.(string), value) }
