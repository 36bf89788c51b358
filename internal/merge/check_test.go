package merge_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/merge"
)

type (
	onValue    struct{ A int }
	twoValues  struct{ A int }
	withError  struct{ A int }
	otherMerge struct{ A int }
	embedsOwn  struct {
		whole
		Name string
	}
	embedsBoth struct {
		whole
		Tally tally
		*embedsOwn
	}
	self struct {
		Next *self
		Kids []self
		By   map[string]map[string]*self
	}
	endless map[string]endless
	onMap   map[string]int
	tagged  struct {
		Visits int    `sesame:"sum"`
		Token  string `sesame:"secret"`
	}
)

func (onValue) Merge(_, _ *onValue)              {}
func (*twoValues) Merge(_, _ twoValues)          {}
func (*withError) Merge(_, _ *withError) error   { return nil }
func (otherMerge) Merge(o otherMerge) otherMerge { return o }
func (m *onMap) Merge(_, _ *onMap)               {}
func (*tagged) Merge(_, _ *tagged)               {}

func TestCheck(t *testing.T) {
	for _, ok := range []any{
		session{}, whole{}, embedsOwn{}, embedsBoth{}, self{}, struct{ O otherMerge }{},
		struct {
			Int     int                       `sesame:"sum"`
			Byte    byte                      `json:"b" sesame:"sum,secret"`
			Named   time.Duration             `sesame:"sum"`
			Float   float32                   `sesame:"sum"`
			Complex complex128                `sesame:"sum"`
			Pointer *int                      `sesame:"sum"`
			Map     map[string]uint8          `sesame:"sum"`
			Deep    map[int]map[string]*int16 `sesame:"sum"`
			Slice   []string                  `sesame:"items"`
			Structs []address                 `sesame:"items"`
			Slices  map[string][]any          `sesame:"secret,items"`
			Pages   *[][]byte                 `sesame:"items"`
			Text    string                    `sesame:"secret"`
			Struct  address                   `sesame:"secret"`
			Empty   string                    `sesame:""`
			Lines   []struct {
				N int `sesame:"sum"`
			}
			hidden int `sesame:"secret"`
		}{},
	} {
		require.NoError(t, merge.Check(reflect.TypeOf(ok)), "%T", ok)
	}
	type Line struct {
		Count string `sesame:"sum"`
	}
	for _, c := range []struct {
		v    any
		says string
	}{
		{badMerge{}, "badMerge has a method Merge of type func(*merge_test.badMerge, merge_test.badMerge); to resolve conflicts it must be func (mine *badMerge) Merge(base, theirs *badMerge), otherwise rename it"},
		{onValue{}, "onValue has type merge_test.onValue, whose method Merge would change a copy: make its receiver a pointer, func (mine *onValue) Merge(base, theirs *onValue)"},
		{twoValues{}, "twoValues has a method Merge of type"},
		{struct{ F *twoValues }{}, ".F has type merge_test.twoValues, whose method Merge is not called for conflicts: make it func (mine *twoValues) Merge(base, theirs *twoValues), or rename it"},
		{struct{ F onValue }{}, ".F has type merge_test.onValue, whose method Merge would change a copy"},
		{struct{ F *onValue }{}, ".F has type merge_test.onValue"},
		{struct{ F map[string][]*onValue }{}, ".F[][] has type merge_test.onValue"},
		{struct{ onValue }{}, ".onValue has type merge_test.onValue"},
		{struct{ F struct{ G withError } }{}, ".F.G has type merge_test.withError, whose method Merge is not called"},
		{struct {
			Times int `sesame:"smu"`
		}{}, `.Times has the tag sesame:"smu": unknown word "smu", use sum, items or secret`},
		{struct {
			Times int `sesame:"sum, secret"`
		}{}, `unknown word " secret"`},
		{struct {
			Times int `sesame:"sum,"`
		}{}, `unknown word ""`},
		{struct {
			times int `sesame:"sum"`
		}{}, `.times has the tag sesame:"sum", but is not exported and thus never stored: export it, or remove the tag`},
		{struct {
			times int `sesame:"item"`
		}{}, `unknown word "item"`},
		{struct {
			Name string `sesame:"sum"`
		}{}, `.Name has the tag sesame:"sum", but type string: sum needs a number, or a map of numbers`},
		{struct {
			Names []int `sesame:"sum"`
		}{}, "but type []int: sum needs"},
		{struct {
			Three [3]int `sesame:"sum"`
		}{}, "but type [3]int: sum needs"},
		{struct {
			Home address `sesame:"sum"`
		}{}, "in a struct, tag its fields"},
		{struct {
			Any any `sesame:"sum"`
		}{}, "but type interface {}: sum needs"},
		{struct {
			Flag bool `sesame:"sum"`
		}{}, "but type bool: sum needs"},
		{struct {
			Loop endless `sesame:"sum"`
		}{}, "but type merge_test.endless: sum needs"},
		{struct {
			Map map[string]bool `sesame:"items"`
		}{}, "but type map[string]bool: items needs a slice, or a map of slices"},
		{struct {
			Blob []byte `sesame:"items"`
		}{}, "a []byte is one value"},
		{struct {
			Both map[string]int `sesame:"sum,items"`
		}{}, "but type map[string]int: items needs"},
		{struct {
			Lines []Line
		}{}, `.Lines[].Count has the tag sesame:"sum", but type string`},
		{struct {
			Score tally `sesame:"sum"`
		}{}, `.Score has the tag sesame:"sum", but merge_test.tally has a method Merge: remove one of the two`},
		{struct {
			Scores map[string]*tally `sesame:"sum"`
		}{}, "but merge_test.tally has a method Merge"},
		{struct {
			Map onMap `sesame:"sum"`
		}{}, "but merge_test.onMap has a method Merge"},
		{tagged{}, `tagged.Visits has the tag sesame:"sum", but the method Merge of merge_test.tagged settles its fields: remove one of the two`},
		{struct{ Lines map[string]tagged }{}, `.Lines[].Visits has the tag sesame:"sum", but the method Merge`},
	} {
		require.ErrorContains(t, merge.Check(reflect.TypeOf(c.v)), c.says, "%T", c.v)
	}
}

type badMerge struct{ A int }

func (*badMerge) Merge(other badMerge) {}

// TestPromotedMerge has the method of an embedded field settle the conflicts of
// that field alone.
func TestPromotedMerge(t *testing.T) {
	mine := &embedsOwn{whole{A: 3}, "mine"}
	require.Equal(t, []string{"Name"}, merge.Structs(&embedsOwn{whole{A: 1}, ""}, mine, &embedsOwn{whole{A: 5}, "theirs"}))
	require.Equal(t, &embedsOwn{whole{A: 7, B: 99}, "mine"}, mine)
}

// TestMergeOnAValueIsNotCalled has one where Check cannot see it.
func TestMergeOnAValueIsNotCalled(t *testing.T) {
	type session struct{ V any }
	mine := &session{onValue{2}}
	require.Equal(t, []string{"V.A"}, merge.Structs(&session{onValue{1}}, mine, &session{onValue{3}}))
	require.Equal(t, &session{onValue{2}}, mine)
}
