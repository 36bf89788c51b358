package sesame_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

// faulty is a store of four methods whose n-th write from now fails, before it
// had its effect or after.
type faulty struct {
	store.Store
	n     int
	after bool
}

var errFault = errors.New("connection reset")

func (f *faulty) write(do func() error) error {
	if f.n--; f.n != 0 {
		return do()
	}
	if f.after {
		_ = do()
	}
	return errFault
}

func (f *faulty) Save(ctx context.Context, k store.Key, r store.Record) (version uint64, err error) {
	err = f.write(func() (err error) { version, err = f.Store.Save(ctx, k, r); return err })
	return version, err
}

func (f *faulty) Delete(ctx context.Context, k store.Key) error {
	return f.write(func() error { return f.Store.Delete(ctx, k) })
}

// A renewal on a store that cannot rotate takes three writes. Whichever of them
// fails, there is one session afterwards: the new one for a client that was
// given its cookie, otherwise the old one, untouched (I5).
func TestRenewalInterrupted(t *testing.T) {
	for _, after := range []bool{false, true} {
		for n := 1; n <= 4; n++ {
			t.Run(fmt.Sprintf("write=%d/after=%t", n, after), func(t *testing.T) {
				engine := memstore.New()
				f := &faulty{Store: struct{ store.Store }{engine}}
				m := sesame.New[owned](sesame.WithStore(f), sesame.WithLogger(slog.New(slog.DiscardHandler)))
				old := issue(t, m, func(s *owned) { s.User = "ann" })

				f.n, f.after = n, after
				res := within(m, old, func(ctx context.Context, s *owned) {
					m.Renew(ctx)
					s.N = 7
				})
				f.n = 0
				token := tokenOf(res)
				switch {
				case n > 3: // nothing failed
					require.NotEmpty(t, token)
					require.NotEqual(t, old, token)
				case token == "":
					require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
					token = old
				default:
					require.Equal(t, http.StatusOK, res.StatusCode)
				}
				require.Equal(t, 1, engine.Len(), "records")
				want := owned{User: "ann"}
				if token != old {
					want.N = 7
				}
				within(m, token, func(_ context.Context, s *owned) { require.Equal(t, want, *s) })
				if token != old {
					within(m, old, func(ctx context.Context, _ *owned) {
						require.True(t, m.Info(ctx).New, "the old token must be dead")
					})
				}
				if token == old { // whose session it is was put back too
					owners := 0
					for range engine.Owned(t.Context(), "ann") {
						owners++
					}
					require.Equal(t, 1, owners)
				}
			})
		}
	}
}
