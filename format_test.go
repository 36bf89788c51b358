package sesame_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/codec"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

// The tests of this file read and write records by the offsets that
// docs/FORMAT.md names, as another program would.
const (
	offFlags    = 1
	offCodec    = 34
	offSchema   = 35
	offRenewed  = 45
	offDeadline = 53
	offIdle     = 61
	offExtra    = 69
	offPayload  = 71
)

// noDevice is the length of what is known of a device.
const noDevice = "\x00\x00"

// appendHeader gives a record the longer header of a later version.
func appendHeader(extra string) func(*store.Record) {
	if extra != "" {
		extra = noDevice + extra
	}
	return func(r *store.Record) {
		data := bytes.Clone(r.Data[:offPayload])
		binary.BigEndian.PutUint16(data[offExtra:], uint16(len(extra)))
		r.Data = append(append(data, extra...), r.Data[offPayload+appended(*r):]...)
	}
}

func appended(r store.Record) int { return int(binary.BigEndian.Uint16(r.Data[offExtra:])) }

// extraOf returns what a later version has appended to the header.
func extraOf(r store.Record) string {
	return strings.TrimPrefix(string(r.Data[offPayload:offPayload+appended(r)]), noDevice)
}

func number(r store.Record, at int) int64 { return int64(binary.BigEndian.Uint64(r.Data[at:])) }

// savers is every way in which a session is saved.
var savers = map[string]func(*sesame.Manager[guest], context.Context, *guest){
	"change":        func(_ *sesame.Manager[guest], _ context.Context, s *guest) { s.N++ },
	"Save":          func(m *sesame.Manager[guest], ctx context.Context, s *guest) { s.N++; must(m.Save(ctx)) },
	"Renew":         func(m *sesame.Manager[guest], ctx context.Context, _ *guest) { m.Renew(ctx) },
	"Renew, change": func(m *sesame.Manager[guest], ctx context.Context, s *guest) { m.Renew(ctx); s.N++ },
	"Remember":      func(m *sesame.Manager[guest], ctx context.Context, _ *guest) { m.Remember(ctx, 0, time.Hour) },
	"Update":        func(m *sesame.Manager[guest], ctx context.Context, _ *guest) { must(m.Update(ctx, addOne)) },
	"Update, Renew": func(m *sesame.Manager[guest], ctx context.Context, _ *guest) {
		m.Renew(ctx)
		must(m.Update(ctx, addOne))
	},
	"UpdateByID": func(m *sesame.Manager[guest], ctx context.Context, _ *guest) {
		must(m.UpdateByID(ctx, m.Info(ctx).ID, addOne))
	},
	"touch":           func(*sesame.Manager[guest], context.Context, *guest) {}, // of a remembered session: a save
	"Renew, Remember": func(m *sesame.Manager[guest], ctx context.Context, _ *guest) { m.Renew(ctx); m.Remember(ctx, 0, 0) },
}

func addOne(s *guest) error { s.N++; return nil }

// What a later version has appended to the header is kept byte for byte,
// whatever is saved.
func TestLongerHeaderIsKept(t *testing.T) {
	for name, act := range savers {
		for size, extra := range map[string]string{"short": "from a later version\x00\xff", "longest": strings.Repeat("x", 65533)} {
			t.Run(name+"/"+size, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					engine := memstore.New()
					m := sesame.New[guest](sesame.WithStore(engine), discard())
					tok := tokenOf(within(m, "", func(ctx context.Context, s *guest) { s.N = 1; m.Remember(ctx, time.Hour, 0) }))
					spoilRecord(t, engine, tok, appendHeader(extra))
					time.Sleep(30 * time.Minute)
					before := recordOf(t, engine, tok)
					res := within(m, tok, func(ctx context.Context, s *guest) { require.Equal(t, 1, s.N); act(m, ctx, s) })
					require.Equal(t, 200, res.StatusCode)
					after := recordOf(t, engine, tok)
					require.NotEqual(t, before.Version, after.Version, "nothing was saved")
					require.Equal(t, extra, extraOf(after))
					require.Len(t, after.Data, len(before.Data))
					if tokenOf(res) != "" {
						tok = tokenOf(res)
					}
					within(m, tok, func(_ context.Context, s *guest) { require.NotZero(t, s.N) })
				})
			})
		}
	}
}

// On a conflict it is the latest record's that is kept.
func TestLongerHeaderOfTheLatestRecord(t *testing.T) {
	for name, act := range savers {
		if name == "touch" {
			continue // the other one's save has moved the expiry
		}
		t.Run(name, func(t *testing.T) {
			engine := memstore.New()
			st := newSpy(engine)
			m := sesame.New[guest](sesame.WithStore(st), discard())
			tok := issue(t, m, func(s *guest) { s.N = 1 })
			spoilRecord(t, engine, tok, appendHeader("first"))
			within(m, tok, func(ctx context.Context, s *guest) {
				st.before = func(op string, _ store.Key) error {
					if op == "save" {
						st.before = nil
						spoilRecord(t, engine, tok, appendHeader("second, longer"))
					}
					return nil
				}
				act(m, ctx, s)
			})
			require.Nil(t, st.before, "nothing was saved")
			require.Equal(t, "second, longer", extraOf(recordOf(t, engine, tok)))
			spoilRecord(t, engine, tok, appendHeader(""))
			require.Empty(t, extraOf(recordOf(t, engine, tok)))
		})
	}
}

// later is how a record may be written by a program that this one is too old
// for.
var later = map[string]func(*store.Record){
	"format": func(r *store.Record) {
		r.Data[0] = 2
		copy(r.Data[offCodec:], bytes.Repeat([]byte{0xff}, 40)) // only the hashes keep their place
	},
	"format, short": func(r *store.Record) { r.Data[0] = 2; r.Data = r.Data[:offCodec] },
	"flag":          func(r *store.Record) { r.Data[offFlags] |= 0x80 },
	"codec":         func(r *store.Record) { r.Data[offCodec] = 77 },
	"schema":        func(r *store.Record) { binary.BigEndian.PutUint16(r.Data[offSchema:], 2) },
}

// A record that this program is too old for is told of, and left alone by all
// that is not a log-in or a log-out.
func TestLaterRecordIsLeftAlone(t *testing.T) {
	for name, spoil := range later {
		for what, act := range savers {
			if strings.Contains(what, "Renew") || what == "UpdateByID" {
				continue
			}
			t.Run(name+"/"+what, func(t *testing.T) {
				eachStore(t, func(t *testing.T, engine *memstore.Store, _ *spy, with sesame.Option) {
					synctest.Test(t, func(t *testing.T) {
						w := newWitness()
						m := sesame.New[guest](with, w.observer(), w.logger())
						tok := issue(t, m, func(s *guest) { s.User = "ann" })
						spoilRecord(t, engine, tok, spoil)
						time.Sleep(30 * time.Minute)
						before := allRecords(t, engine)
						w.reset()
						res := within(m, tok, func(ctx context.Context, s *guest) {
							require.Zero(t, *s)
							require.True(t, m.Info(ctx).New)
							defer func() {
								if err, ok := recover().(error); ok {
									require.ErrorIs(t, err, sesame.ErrSuperseded)
								}
							}()
							act(m, ctx, s)
						})
						require.Equal(t, 200, res.StatusCode)
						require.Empty(t, res.Cookies())
						require.Equal(t, before, allRecords(t, engine))
						require.Equal(t, []sesame.EventKind{sesame.EventNewer}, w.kinds())
						require.Error(t, w.all()[0].Err)
						require.Equal(t, keyOf(tok).String(), w.all()[0].ID)
						require.Equal(t, 1, strings.Count(w.log.String(), "level=WARN"))

						w.reset()
						require.ErrorIs(t, m.UpdateByID(t.Context(), keyOf(tok).String(), addOne), sesame.ErrNotFound)
						require.Equal(t, []sesame.EventKind{sesame.EventNewer}, w.kinds(), "an administrator is told too")
						w.reset()
						sees(t, m, guest{}, wrongSecret(tok))
						require.Equal(t, []sesame.EventKind{sesame.EventUnknownToken}, w.kinds())
						require.Equal(t, before, allRecords(t, engine))
					})
				})
			})
		}
	}
}

// A log-in or log-out ends it.
func TestLaterRecordIsEnded(t *testing.T) {
	for name, spoil := range later {
		t.Run(name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, engine *memstore.Store, _ *spy, with sesame.Option) {
				m := sesame.New[guest](with, discard())
				tok := issue(t, m, func(s *guest) { s.User = "ann" })
				spoilRecord(t, engine, tok, spoil)
				res := within(m, tok, func(ctx context.Context, s *guest) { m.Renew(ctx); s.User = "bob" })
				require.NotEqual(t, keyOf(tok), keyOf(tokenOf(res)))
				require.Equal(t, 1, engine.Len())
				sees(t, m, guest{User: "bob"}, tokenOf(res), tok)

				tok = tokenOf(res)
				spoilRecord(t, engine, tok, spoil)
				res = within(m, tok, func(ctx context.Context, _ *guest) { m.Destroy(ctx) })
				require.Equal(t, -1, res.Cookies()[0].MaxAge)
				require.Zero(t, engine.Len())
			})
		})
	}
}

// A newer program saves the session while a request of this one holds it: what
// this one has changed is dropped.
func TestLaterRecordInAConflict(t *testing.T) {
	for name, spoil := range later {
		t.Run(name, func(t *testing.T) {
			engine, w := memstore.New(), newWitness()
			m := sesame.New[guest](sesame.WithStore(engine), w.observer(), discard())
			tok := issue(t, m, func(s *guest) { s.User = "ann" })
			w.reset()
			var newer store.Record
			res := within(m, tok, func(_ context.Context, s *guest) {
				spoilRecord(t, engine, tok, spoil)
				newer = recordOf(t, engine, tok)
				s.N = 9
			})
			require.Equal(t, 200, res.StatusCode)
			require.Empty(t, res.Cookies())
			require.Equal(t, []sesame.EventKind{sesame.EventLoaded, sesame.EventNewer, sesame.EventGone}, w.kinds())
			require.Equal(t, newer, recordOf(t, engine, tok))
		})
	}
}

// A damaged record is no session: the next save begins one, under another ID,
// and leaves the record alone. A log-in or log-out ends it, as long as its
// hashes can be read.
func TestDamagedRecord(t *testing.T) {
	for name, test := range map[string]struct {
		spoil   func(*store.Record)
		unnamed bool
	}{
		"format 0":            {spoil: func(r *store.Record) { r.Data[0] = 0 }},
		"no header":           {spoil: func(r *store.Record) { r.Data = r.Data[:offCodec] }},
		"cut header":          {spoil: func(r *store.Record) { r.Data = r.Data[:offPayload-1] }},
		"cut within hashes":   {spoil: func(r *store.Record) { r.Data = r.Data[:offCodec-1] }, unnamed: true},
		"longer than it is":   {spoil: func(r *store.Record) { r.Data[offExtra] = 0xff }},
		"negative idle limit": {spoil: func(r *store.Record) { r.Data[offIdle] = 0x80 }},
		"idle limit too long": {spoil: func(r *store.Record) { r.Data[offIdle] = 0x7f }},
		"schema version 0":    {spoil: func(r *store.Record) { r.Data[offSchema+1] = 0 }},
		"payload":             {spoil: func(r *store.Record) { r.Data[offPayload] = 0xc1 }},
		"no payload":          {spoil: func(r *store.Record) { r.Data = r.Data[:offPayload] }},
		"another codec's":     {spoil: func(r *store.Record) { r.Data[offCodec] = codec.JSON.ID() }},
	} {
		t.Run(name, func(t *testing.T) {
			engine, w := memstore.New(), newWitness()
			m := sesame.New[guest](sesame.WithStore(engine), w.observer(), discard())
			spoiled := func() string {
				tok := issue(t, m, func(s *guest) { s.User = "ann" })
				spoilRecord(t, engine, tok, test.spoil)
				w.reset()
				return tok
			}
			tok := spoiled()
			sees(t, m, guest{}, tok)
			require.Equal(t, []sesame.EventKind{sesame.EventCorrupt}, w.kinds())
			before := recordOf(t, engine, tok)
			fresh := tokenOf(within(m, tok, func(_ context.Context, s *guest) { s.N = 1 }))
			require.NotEmpty(t, fresh)
			require.NotEqual(t, keyOf(tok), keyOf(fresh))
			require.Equal(t, before, recordOf(t, engine, tok))

			for _, end := range []func(context.Context, *guest){
				func(ctx context.Context, s *guest) { m.Renew(ctx); s.N = 2 },
				func(ctx context.Context, s *guest) { m.Destroy(ctx); s.N = 3 },
			} {
				tok = spoiled()
				n := engine.Len()
				within(m, tok, func(ctx context.Context, s *guest) { end(ctx, s) })
				if test.unnamed {
					n++
				}
				require.Equal(t, n, engine.Len(), "the fresh one, in place of the damaged one if it is known to be the client's")
			}
		})
	}
}

// A record that is larger than four times WithMaxSize is not decoded.
func TestOversizedRecord(t *testing.T) {
	for _, size := range []int{400, 401} {
		engine, w, c := memstore.New(), newWitness(), newNoted()
		m := sesame.New[guest](sesame.WithStore(engine), sesame.WithCodec(c), sesame.WithMaxSize(100), w.observer(), discard())
		tok := issue(t, m, func(s *guest) { s.User = "ann" })
		spoilRecord(t, engine, tok, func(r *store.Record) {
			r.Data = append(r.Data, bytes.Repeat([]byte(" "), offPayload+size-len(r.Data))...) // JSON, still
		})
		w.reset()
		c.reset()
		within(m, tok, func(_ context.Context, s *guest) {
			if size > 400 {
				require.Zero(t, *s)
				require.Equal(t, []sesame.EventKind{sesame.EventCorrupt}, w.kinds())
				require.ErrorContains(t, w.all()[0].Err, "WithMaxSize(100)")
				require.Len(t, c.decoded, 1, "only the zero value")
			} else {
				require.Equal(t, "ann", s.User)
			}
		})
	}
}

// Record.Expires is last use plus idle limit, not cut to the deadline; without
// an idle limit it is the deadline.
func TestExpiresIsLastUsePlusIdleLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := memstore.New()
		m := sesame.New[guest](sesame.WithStore(engine), discard(), sesame.WithIdleTimeout(time.Hour), sesame.WithLifetime(90*time.Minute))
		began := time.Now()
		tok := issue(t, m, func(s *guest) { s.N = 1 })
		time.Sleep(50 * time.Minute)
		within(m, tok, func(_ context.Context, s *guest) { s.N++ })
		r := recordOf(t, engine, tok)
		require.Equal(t, began.Add(90*time.Minute).UnixMilli(), number(r, offDeadline))
		require.Equal(t, time.Hour.Milliseconds(), number(r, offIdle))
		require.Equal(t, began.Add(110*time.Minute).UnixMilli(), r.Expires.UnixMilli())
		within(m, tok, func(ctx context.Context, _ *guest) {
			info := m.Info(ctx)
			require.Equal(t, began.Add(90*time.Minute).UnixMilli(), info.Expires.UnixMilli())
			require.Equal(t, time.Now().UnixMilli(), info.Used.UnixMilli())
		})
		within(m, tok, func(ctx context.Context, _ *guest) { m.Remember(ctx, 0, 24*time.Hour) })
		r = recordOf(t, engine, tok)
		require.Zero(t, number(r, offIdle))
		require.Equal(t, began.Add(50*time.Minute+24*time.Hour).UnixMilli(), number(r, offDeadline))
		require.Equal(t, number(r, offDeadline), r.Expires.UnixMilli())
		within(m, tok, func(ctx context.Context, _ *guest) { m.Remember(ctx, time.Hour, 0) })
		require.Zero(t, number(recordOf(t, engine, tok), offDeadline), "no end but disuse")
		require.Equal(t, began.UnixMilli(), number(recordOf(t, engine, tok), offRenewed))
	})
}

// The example of docs/FORMAT.md is a session that this program reads, and
// would write again.
func TestFormatExample(t *testing.T) {
	text, err := os.ReadFile("docs/FORMAT.md")
	require.NoError(t, err)
	const tok, replaced = "8XcVt0mJQyWn5dB1kR7q2A.Zc3Hk9xQvTsLw2yPf8uJrg", "8XcVt0mJQyWn5dB1kR7q2A.n0bYdK4eVhGaX7tUoCzm5Q"
	for _, example := range []string{tok, replaced} {
		require.True(t, strings.Contains(string(text), "`"+example+"`"), "%s is not in docs/FORMAT.md", example)
	}
	var data []byte
	for _, line := range regexp.MustCompile(`(?m)^[0-9a-f]{8}  ((?:[0-9a-f]{2} +)+)\|`).FindAllStringSubmatch(string(text), -1) {
		row, err := hex.DecodeString(strings.ReplaceAll(line[1], " ", ""))
		require.NoError(t, err)
		data = append(data, row...)
	}
	type session struct {
		User string   `json:"user"`
		Cart []string `json:"cart"`
	}
	synctest.Test(t, func(t *testing.T) {
		at := time.Date(2026, 11, 23, 0, 12, 29, 1e6, time.UTC)
		time.Sleep(time.Until(at))
		engine := memstore.New()
		k := keyOf(tok)
		id, err := base64.RawURLEncoding.DecodeString(tok[:22])
		require.NoError(t, err)
		require.Equal(t, id, k[:])
		for at, tok := range map[int]string{2: tok, 18: replaced} {
			sum := sha256.Sum256([]byte("sesame/v1/token/" + tok))
			require.Equal(t, sum[:16], data[at:at+16])
		}
		_, err = engine.Save(t.Context(), k, store.Record{Expires: at.Add(time.Hour), Data: data})
		require.NoError(t, err)
		m := sesame.New[session](sesame.WithStore(engine), sesame.WithCodec(codec.JSON), discard())
		within(m, tok, func(ctx context.Context, s *session) {
			require.Equal(t, session{"ann", []string{"tea"}}, *s)
			info := m.Info(ctx)
			require.Equal(t, at.UnixMilli(), info.Renewed.UnixMilli())
			require.Equal(t, at.Add(-10*time.Minute).UnixMilli(), info.Created.UnixMilli())
			require.Equal(t, at.Add(time.Hour).UnixMilli(), info.Expires.UnixMilli())
			s.Cart = nil
			must(m.Save(ctx))
			s.Cart = []string{"tea"}
		})
		require.Equal(t, data, recordOf(t, engine, tok).Data)
	})
}
