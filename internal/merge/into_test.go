package merge_test

import (
	"math"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/merge"
)

// inner has a field that is never stored.
type inner struct {
	Name, City string
	Cache      map[string]int `msgpack:"-"`
	open       bool
}

type living struct {
	embedded
	Mine, Theirs map[string]int
	Both         map[string]int
	Pointer      *address
	Inner        inner
	Handle       *int `msgpack:"-"`
	Score        tally
	Rate         float64
	lock         int
}

// TestIntoLeavesAloneWhatDidNotChange merges into the value that a handler
// holds.
func TestIntoLeavesAloneWhatDidNotChange(t *testing.T) {
	base := func() *living {
		return &living{
			embedded: embedded{"light"}, Mine: map[string]int{"a": 1}, Theirs: map[string]int{"a": 1}, Both: map[string]int{"a": 1},
			Pointer: &address{"Main", "Ulm"}, Inner: inner{Name: "x", City: "y"}, Score: 1, Rate: math.NaN(),
		}
	}
	mine, theirs, live := base(), base(), base()
	for _, v := range []*living{mine, live} {
		v.Mine["b"] = 2
		v.Both["b"] = 2
		v.Score = 3
		v.Inner.City = "mine"
	}
	live.Handle, live.lock, live.Inner.open, live.Inner.Cache = new(5), 7, true, map[string]int{"cached": 1}
	theirs.Theirs["c"] = 3
	theirs.Both["c"] = 3
	theirs.Score = 5
	theirs.Inner.Name, theirs.Theme = "theirs", "dark"

	held := *live
	require.Empty(t, merge.Into(live, base(), mine, theirs))
	requireSame(t, living{
		embedded: embedded{"dark"}, Mine: map[string]int{"a": 1, "b": 2}, Theirs: map[string]int{"a": 1, "c": 3}, Both: map[string]int{"a": 1, "b": 2, "c": 3},
		Pointer: &address{"Main", "Ulm"}, Inner: inner{"theirs", "mine", map[string]int{"cached": 1}, true}, Handle: new(5), Score: 7, Rate: math.NaN(), lock: 7,
	}, *live)
	require.Same(t, held.Pointer, live.Pointer)
	held.Mine["still"] = 1
	require.Contains(t, live.Mine, "still", "a map that the merge did not change is the one that the handler holds")
}

// settling settles its own conflicts, and has fields that are never stored.
type settling struct {
	Name  string
	Count map[string]int
	Cart  map[string]int
	whole
	Handle *int `msgpack:"-"`
	lock   int
}

func (s *settling) Merge(base, theirs *settling) {
	s.Count["n"] += theirs.Count["n"] - base.Count["n"]
	s.B = 5
}

func TestIntoWithMergeOfTheWhole(t *testing.T) {
	base := func() *settling {
		return &settling{Name: "x", Count: map[string]int{"n": 1}, Cart: map[string]int{"a": 1}}
	}
	mine, theirs, live := base(), base(), base()
	mine.Count["n"], live.Count["n"], theirs.Count["n"] = 2, 2, 5
	live.Handle, live.lock = new(5), 7
	cart := live.Cart
	require.Empty(t, merge.Into(live, base(), mine, theirs))
	require.Equal(t, &settling{Name: "x", Count: map[string]int{"n": 6}, Cart: map[string]int{"a": 1}, whole: whole{B: 5}, Handle: new(5), lock: 7}, live)
	cart["still"] = 1
	require.Contains(t, live.Cart, "still")

	mine, theirs, live = base(), base(), base()
	live.Handle, theirs.Name = new(5), "theirs"
	require.Empty(t, merge.Into(live, base(), mine, theirs))
	require.Equal(t, &settling{Name: "theirs", Count: map[string]int{"n": 1}, Cart: map[string]int{"a": 1}, Handle: new(5)}, live)
}

// TestIntoWithHiddenFields has a type store what is not exported by methods of
// its own: then it is one value.
func TestIntoWithHiddenFields(t *testing.T) {
	live := &living{lock: 1}
	require.Empty(t, merge.Into(live, &living{lock: 1}, &living{lock: 1}, &living{lock: 2, Score: 2}))
	require.Equal(t, &living{lock: 2, Score: 2}, live)
}

// ring leads in circles, as a type with methods of its own may.
type ring struct {
	Name       string
	Count      int `sesame:"sum"`
	Next, Prev *ring
	Any        any
}

func rings(n int) *ring {
	first := &ring{Name: "0"}
	for last, i := first, 1; ; i++ {
		if i == n {
			last.Next, first.Prev = first, last
			first.Any = first
			return first
		}
		last.Next = &ring{Name: "n", Prev: last}
		last = last.Next
	}
}

func TestCircles(t *testing.T) {
	for _, n := range []int{1, 2, 50} {
		base, mine, theirs := rings(n), rings(n), rings(n)
		mine.Name, theirs.Prev.Count = "mine", 2
		mine.Prev.Count = 3
		require.Empty(t, merge.Structs(base, mine, theirs), n)
		require.Equal(t, "mine", mine.Name)
		require.Equal(t, 5, mine.Prev.Count)
		require.Same(t, mine, mine.Next.Prev)
	}
}

// TestCirclesLeftAlone compares values that lead in circles.
func TestCirclesLeftAlone(t *testing.T) {
	type session struct {
		Name string
		Any  any
		List []*ring
	}
	start := func() *session { return &session{Any: rings(3), List: []*ring{rings(5)}} }
	mine, theirs := start(), start()
	mine.Name, theirs.Name = "mine", "theirs"
	require.Equal(t, []string{"Name"}, merge.Structs(start(), mine, theirs))

	theirs.List[0].Prev.Prev.Count++
	require.Equal(t, []string{"Name"}, merge.Structs(start(), mine, theirs))
	require.Same(t, theirs.List[0], mine.List[0])
}

// TestSlicesThatBeginAtOnePlace are compared to the end, deep inside a value.
func TestSlicesThatBeginAtOnePlace(t *testing.T) {
	deep := func(numbers []int) any {
		var v any = []any{numbers[:2], numbers[:3]}
		for range 20 {
			v = []any{v}
		}
		return v
	}
	equal := func(a, b any) bool { return merge.Equal(reflect.ValueOf(a), reflect.ValueOf(b)) }
	require.True(t, equal(deep([]int{1, 2, 3}), deep([]int{1, 2, 3})))
	require.False(t, equal(deep([]int{1, 2, 3}), deep([]int{1, 2, 4})))
}
