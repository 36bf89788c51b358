package sesame_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vmihailenco/msgpack/v5"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/codec"
	"github.com/sesame-go/sesame/codec/gobcodec"
	"github.com/sesame-go/sesame/store/memstore"
)

// randomSet writes itself in another order each time.
type randomSet map[string]bool

func (s randomSet) EncodeMsgpack(e *msgpack.Encoder) error {
	err := e.EncodeArrayLen(len(s))
	for name := range s {
		if err == nil {
			err = e.EncodeString(name)
		}
	}
	return err
}

func (s *randomSet) DecodeMsgpack(d *msgpack.Decoder) error {
	n, err := d.DecodeArrayLen()
	*s = make(randomSet)
	for range n {
		var name string
		if err == nil {
			name, err = d.DecodeString()
			(*s)[name] = true
		}
	}
	return err
}

// TestRandomOrder: a type whose own method writes it in random order is written
// by no read, and by each change, and merged.
func TestRandomOrder(t *testing.T) {
	type session struct {
		Set  randomSet
		Name string
	}
	set := func() randomSet {
		s := make(randomSet)
		for i := range 30 {
			s[fmt.Sprint(i)] = true
		}
		return s
	}
	s := newShop(t, codec.MsgPack, memstore.New(), &session{Set: set()})
	for range 100 {
		require.Zero(t, s.visit(t, func(*session) {}))
	}
	for _, change := range []func(*session){
		func(s *session) { s.Set["new"] = true }, func(s *session) { delete(s.Set, "new") }, func(s *session) { s.Name = "x" },
	} {
		require.Equal(t, 1, s.visit(t, change))
		require.Zero(t, s.visit(t, func(*session) {}))
	}

	r := newRoom[session](t)
	token := r.do("", func(s *session) { s.Set = set() })
	r.slowly(token,
		func() { r.do(token, func(s *session) { s.Name = "theirs" }) },
		func(_ context.Context, s *session) { s.Set["mine"] = true })
	got, _ := r.peek(token)
	require.Equal(t, "theirs", got.Name)
	require.True(t, got.Set["mine"])
	require.Empty(t, r.seen(sesame.EventConflict))
}

// TestMergeAcrossCodecs: a session that another codec has stored is merged as
// one's own is, though that makes other types of what is in an any.
func TestMergeAcrossCodecs(t *testing.T) {
	type session struct {
		Any  any
		Bag  map[string]any
		Name string
	}
	for _, old := range []codec.Codec{gobcodec.Gob, codec.JSON} {
		t.Run(fmt.Sprintf("%T", old), func(t *testing.T) {
			st, w := memstore.New(), newWitness()
			before := sesame.New[session](sesame.WithStore(st), sesame.WithCodec(old))
			m := sesame.New[session](sesame.WithStore(st), w.observer(), sesame.WithCodec(codec.MsgPack, gobcodec.Gob))
			token := issue(t, before, func(s *session) { s.Any, s.Bag = 1, map[string]any{"a": 1, "b": 1} })
			within(m, token, func(_ context.Context, s *session) {
				within(m, token, func(_ context.Context, s *session) { s.Any, s.Bag["a"] = 2, 2 })
				s.Name = "mine"
			})
			within(m, token, func(_ context.Context, s *session) {
				require.EqualValues(t, 2, s.Any)
				require.EqualValues(t, 2, s.Bag["a"])
				require.Equal(t, "mine", s.Name)
			})
			require.Zero(t, w.count(sesame.EventConflict))
		})
	}
}
