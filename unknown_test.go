package sesame_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/codec"
	"github.com/sesame-go/sesame/store/memstore"
)

// A session as two builds of a program know it: the newer one has more fields,
// at each level where they can be carried over, and one where they cannot.
type (
	olderSession struct {
		User  string
		N     int
		Where olderPlace
		Other *olderPlace
		Never *olderPlace
		Items []olderItem
	}
	olderPlace struct{ City string }
	olderItem  struct{ Name string }

	newerSession struct {
		ReadOnly bool
		User     string
		Limits   map[string]int
		N        int
		Where    newerPlace
		Other    *newerPlace
		Never    *newerPlace
		Items    []newerItem
	}
	newerPlace struct {
		Floor int
		City  string
	}
	newerItem struct{ Name, Color, Size string }
)

func (s olderSession) Owner() string { return s.User }
func (s newerSession) Owner() string { return s.User }

func aNewerSession() newerSession {
	return newerSession{
		ReadOnly: true, User: "ann", Limits: map[string]int{"b": 2, "a": 1}, N: 1,
		Where: newerPlace{3, "Rome"}, Other: &newerPlace{4, "Oslo"},
		Items: []newerItem{{"tea", "green", "1 lb"}}, // carried over as long as it does not change
	}
}

// TestUnknownFields: an older program that saves a session, in whichever way,
// leaves what a newer one has put there.
func TestUnknownFields(t *testing.T) {
	type builds struct {
		older *sesame.Manager[olderSession]
		newer *sesame.Manager[newerSession]
		token string
	}
	change := func(s *olderSession) { s.N, s.Where.City, s.Other.City = s.N+1, "Pisa", "Bergen" }
	for name, save := range map[string]func(t *testing.T, b *builds){
		"a request": func(_ *testing.T, b *builds) {
			within(b.older, b.token, func(_ context.Context, s *olderSession) { change(s) })
		},
		"two saves of one": func(t *testing.T, b *builds) {
			within(b.older, b.token, func(ctx context.Context, s *olderSession) {
				s.N = 100
				require.NoError(t, b.older.Save(ctx))
				require.NoError(t, b.older.Save(ctx))
				s.N = 1
				change(s)
			})
		},
		"Update": func(t *testing.T, b *builds) {
			within(b.older, b.token, func(ctx context.Context, _ *olderSession) {
				require.NoError(t, b.older.Update(ctx, func(s *olderSession) error { change(s); return nil }))
			})
		},
		"UpdateByID": func(t *testing.T, b *builds) {
			require.NoError(t, b.older.UpdateByID(t.Context(), keyOf(b.token).String(), func(s *olderSession) error { change(s); return nil }))
		},
		"Renew": func(_ *testing.T, b *builds) {
			b.token = tokenOf(within(b.older, b.token, func(ctx context.Context, s *olderSession) {
				b.older.Renew(ctx)
				change(s)
			}))
		},
		"Remember": func(_ *testing.T, b *builds) {
			within(b.older, b.token, func(ctx context.Context, s *olderSession) {
				b.older.Remember(ctx, time.Hour, 0)
				change(s)
			})
		},
		"a conflict": func(_ *testing.T, b *builds) {
			within(b.older, b.token, func(_ context.Context, s *olderSession) {
				within(b.older, b.token, func(_ context.Context, s *olderSession) { s.Where.City = "Pisa" })
				s.N, s.Other.City = 2, "Bergen"
			})
		},
		"a change by the newer build in between": func(_ *testing.T, b *builds) {
			within(b.newer, b.token, func(_ context.Context, s *newerSession) { s.ReadOnly = false })
			within(b.older, b.token, func(_ context.Context, s *olderSession) {
				within(b.newer, b.token, func(_ context.Context, s *newerSession) { s.ReadOnly = true })
				change(s)
			})
		},
		"a newer request that overlaps": func(_ *testing.T, b *builds) {
			within(b.newer, b.token, func(_ context.Context, s *newerSession) { s.ReadOnly = false })
			within(b.newer, b.token, func(_ context.Context, s *newerSession) {
				within(b.older, b.token, func(_ context.Context, s *olderSession) { change(s) })
				s.ReadOnly = true
			})
		},
	} {
		for _, c := range []codec.Codec{codec.MsgPack, codec.JSON} {
			t.Run(fmt.Sprint(name, ", codec ", c.ID()), func(t *testing.T) {
				st, w := newFake(), newWitness()
				b := &builds{
					older: sesame.New[olderSession](sesame.WithStore(st), sesame.WithCodec(c), w.observer()),
					newer: sesame.New[newerSession](sesame.WithStore(st), sesame.WithCodec(c), w.observer()),
				}
				b.token = issue(t, b.newer, func(s *newerSession) { *s = aNewerSession() })
				save(t, b)
				want := aNewerSession()
				want.N, want.Where.City, want.Other.City = 2, "Pisa", "Bergen"
				within(b.newer, b.token, func(_ context.Context, s *newerSession) { require.Equal(t, want, *s) })
				require.Zero(t, w.count(sesame.EventConflict))
				require.Zero(t, w.count(sesame.EventDropped))

				st.up()
				within(b.older, b.token, func(ctx context.Context, _ *olderSession) { require.NoError(t, b.older.Save(ctx)) })
				require.Equal(t, []string{"load"}, st.called(), "what only reads writes nothing")
			})
		}
	}
}

// TestUnknownFieldsOfAnother: what a newer program knew of one user does not
// become another's.
func TestUnknownFieldsOfAnother(t *testing.T) {
	st := memstore.New()
	older, newer := sesame.New[olderSession](sesame.WithStore(st)), sesame.New[newerSession](sesame.WithStore(st))
	visitor := issue(t, newer, func(s *newerSession) { s.ReadOnly = true })
	ann := tokenOf(within(older, visitor, func(ctx context.Context, s *olderSession) {
		older.Renew(ctx)
		s.User = "ann"
	}))
	within(newer, ann, func(_ context.Context, s *newerSession) { require.True(t, s.ReadOnly, "a visitor's go along") })
	for _, next := range []string{"bob", ""} {
		ann = issue(t, newer, func(s *newerSession) { s.User, s.ReadOnly = "ann", true })
		fresh := tokenOf(within(older, ann, func(ctx context.Context, s *olderSession) {
			older.Renew(ctx)
			s.User = next
			s.N = 1
		}))
		within(newer, fresh, func(_ context.Context, s *newerSession) { require.Equal(t, newerSession{User: next, N: 1}, *s) })
	}
}

// TestLostFields: each field that cannot be carried over is told of once.
func TestLostFields(t *testing.T) {
	for _, c := range []codec.Codec{codec.MsgPack, codec.JSON} {
		st, w := memstore.New(), newWitness()
		older := sesame.New[olderSession](sesame.WithStore(st), sesame.WithCodec(c), w.observer(), w.logger())
		newer := sesame.New[newerSession](sesame.WithStore(st), sesame.WithCodec(c))
		token := issue(t, newer, func(s *newerSession) { *s = aNewerSession() })
		for range 2 {
			within(older, token, func(_ context.Context, s *olderSession) { s.Items = append(s.Items, olderItem{"milk"}) })
			within(newer, token, func(_ context.Context, s *newerSession) {
				require.True(t, s.ReadOnly, "the others are carried over")
				require.Equal(t, newerItem{"tea", "", ""}, s.Items[0])
				s.Items[0].Color = "green"
			})
		}
		var told []string
		for _, e := range w.all() {
			if e.Kind == sesame.EventDropped {
				told = append(told, e.Field)
				require.Error(t, e.Err)
			}
		}
		require.Equal(t, []string{"Items[].Color", "Items[].Size"}, told)
		require.Contains(t, w.log.String(), "Items[].Color")
	}
}

// TestLostToAnotherCodec: a change of the codec carries nothing over, and says
// so.
func TestLostToAnotherCodec(t *testing.T) {
	st, w := memstore.New(), newWitness()
	newer := sesame.New[newerSession](sesame.WithStore(st), sesame.WithCodec(codec.JSON))
	older := sesame.New[olderSession](sesame.WithStore(st), w.observer(), w.logger())
	token := issue(t, newer, func(s *newerSession) { *s = aNewerSession() })
	within(older, token, func(_ context.Context, _ *olderSession) {})
	within(newer, token, func(_ context.Context, s *newerSession) { require.True(t, s.ReadOnly) })
	within(older, token, func(_ context.Context, s *olderSession) { s.N++ })
	require.Equal(t, 1, w.count(sesame.EventDropped))
}

// TestPointerSetToNil: what was there goes with it.
func TestPointerSetToNil(t *testing.T) {
	st := memstore.New()
	older, newer := sesame.New[olderSession](sesame.WithStore(st)), sesame.New[newerSession](sesame.WithStore(st))
	token := issue(t, newer, func(s *newerSession) { *s = aNewerSession() })
	within(older, token, func(_ context.Context, s *olderSession) { s.Other, s.Never = nil, &olderPlace{"Paris"} })
	within(newer, token, func(_ context.Context, s *newerSession) {
		require.Nil(t, s.Other)
		require.Equal(t, &newerPlace{0, "Paris"}, s.Never)
		require.True(t, s.ReadOnly)
	})
}

// TestUnknownFieldsCount: what an older program carries over counts for
// WithMaxSize.
func TestUnknownFieldsCount(t *testing.T) {
	type newer struct {
		N    int
		Text string
	}
	st := memstore.New()
	after := sesame.New[newer](sesame.WithStore(st), sesame.WithMaxSize(1000))
	before := sesame.New[counter](sesame.WithStore(st), sesame.WithMaxSize(500))
	token := issue(t, after, func(s *newer) { s.Text = strings.Repeat("a", 600) })
	within(before, token, func(ctx context.Context, s *counter) {
		s.N++
		require.ErrorIs(t, before.Save(ctx), sesame.ErrTooLarge)
		s.N--
	})
	within(after, token, func(_ context.Context, s *newer) { require.Len(t, s.Text, 600) })
}

// TestReplacedStruct: unknown fields belong to their place in the struct, also if
// an older program puts another value there.
func TestReplacedStruct(t *testing.T) {
	st := memstore.New()
	older, newer := sesame.New[olderSession](sesame.WithStore(st)), sesame.New[newerSession](sesame.WithStore(st))
	token := issue(t, newer, func(s *newerSession) { *s = aNewerSession() })
	within(older, token, func(_ context.Context, s *olderSession) { s.Where, s.Other = olderPlace{"Pisa"}, &olderPlace{"Bergen"} })
	within(newer, token, func(_ context.Context, s *newerSession) {
		require.Equal(t, newerPlace{3, "Pisa"}, s.Where)
		require.Equal(t, &newerPlace{4, "Bergen"}, s.Other)
	})
}

// TestTwoTypesOnOneStore: a manager of another type that changes a session by its
// ID leaves all that is not its own, the owner included.
func TestTwoTypesOnOneStore(t *testing.T) {
	type other struct {
		Language string
		N        int
		Where    struct{ Street string }
	}
	for _, c := range []codec.Codec{codec.MsgPack, codec.JSON} {
		st := memstore.New()
		m := sesame.New[newerSession](sesame.WithStore(st), sesame.WithCodec(c))
		others := sesame.New[other](sesame.WithStore(st), sesame.WithCodec(c))
		token := issue(t, m, func(s *newerSession) { *s = aNewerSession() })
		require.NoError(t, others.UpdateByID(t.Context(), keyOf(token).String(), func(s *other) error {
			s.Language, s.Where.Street = "it", "Corso"
			s.N++
			return nil
		}))
		within(m, token, func(_ context.Context, s *newerSession) {
			want := aNewerSession()
			want.N++
			require.Equal(t, want, *s)
			s.User = "anna"
		})
		e, err := others.Find(t.Context(), keyOf(token).String())
		require.NoError(t, err)
		require.Equal(t, "anna", e.Owner)
		require.Equal(t, other{N: 2}, e.Data, "ann's does not become anna's")
	}
}

// TestOwnerIsAdded: sessions that were stored before the type had an owner get
// one by a log-in after a log-out.
func TestOwnerIsAdded(t *testing.T) {
	type session struct {
		User string
		N    int
	}
	st := memstore.New()
	before := sesame.New[session](sesame.WithStore(st))
	after := sesame.New[olderSession](sesame.WithStore(st))
	token := issue(t, before, func(s *session) { s.User = "ann" })
	within(after, token, func(_ context.Context, s *olderSession) { s.N++ })
	n, err := after.RevokeOwner(t.Context(), "ann")
	require.NoError(t, err)
	require.Zero(t, n)
	token = tokenOf(within(after, token, func(ctx context.Context, s *olderSession) {
		after.Destroy(ctx)
		s.User = "ann"
	}))
	require.NotEmpty(t, token)
	n, err = after.RevokeOwner(t.Context(), "ann")
	require.NoError(t, err)
	require.Equal(t, 1, n)
}
