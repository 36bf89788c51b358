package merge_test

import (
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/merge"
)

type tally int

func (t *tally) Merge(base, theirs *tally) { *t += *theirs - *base }

type tags map[string]bool

func (t *tags) Merge(_, theirs *tags) {
	if *t == nil {
		*t = tags{}
	}
	maps.Copy(*t, *theirs)
}

type address struct{ Street, City string }

type embedded struct{ Theme string }

type session struct {
	embedded
	User    string
	Seen    time.Time
	Visits  tally
	Tags    tags
	Home    address
	Work    *address
	Cart    map[string]int
	Places  map[string]address
	Nested  map[string]map[string]int
	History []string
	Extra   any
	Bag     map[string]any
	Sealed  sealed
	private int
}

type sealed struct{ N, hidden int }

func start() *session {
	return &session{
		User: "ann", Seen: time.UnixMilli(1000).UTC(), Visits: 10, Tags: tags{"a": true},
		Home: address{"Main", "Ulm"}, Work: &address{"High", "Bonn"},
		Cart: map[string]int{"tea": 1, "milk": 2}, Places: map[string]address{"x": {"S", "C"}},
		Nested:  map[string]map[string]int{"n": {"one": 1}},
		History: []string{"/"}, Extra: map[string]int{"k": 1}, Bag: map[string]any{"m": map[string]any{"x": int64(1)}},
		private: 7, embedded: embedded{"light"},
	}
}

func TestStructs(t *testing.T) {
	for _, test := range []struct {
		name         string
		mine, theirs func(*session)
		want         func(*session)
		conflicts    []string
	}{
		{
			name: "different fields",
			mine: func(s *session) { s.User = "bob" }, theirs: func(s *session) { s.History = []string{"/", "/a"} },
			want: func(s *session) { s.User = "bob"; s.History = []string{"/", "/a"} },
		}, {
			name: "changes that look alike",
			mine: func(s *session) { s.Home.City += "x"; s.Cart["tea"]++; s.History = append(s.History, "/a") },
			theirs: func(s *session) {
				s.Home.City += "x"
				s.Cart["tea"]++
				s.History = append(s.History, "/a")
			},
			want: func(s *session) {
				s.Home.City += "x"
				s.Cart["tea"]++
				s.History = append(s.History, "/a")
			},
			conflicts: []string{"Cart", "History", "Home.City"},
		}, {
			name: "a new key that looks alike",
			mine: func(s *session) { s.Cart["rum"]++ }, theirs: func(s *session) { s.Cart["rum"]++ },
			want: func(s *session) { s.Cart["rum"]++ }, conflicts: []string{"Cart"},
		}, {
			name: "changes that look alike, with an own Merge",
			mine: func(s *session) { s.Visits++ }, theirs: func(s *session) { s.Visits++ },
			want: func(s *session) { s.Visits += 2 },
		}, {
			name: "a key removed by both",
			mine: func(s *session) { delete(s.Cart, "tea") }, theirs: func(s *session) { delete(s.Cart, "tea") },
			want: func(s *session) { delete(s.Cart, "tea") },
		}, {
			name: "one field twice",
			mine: func(s *session) { s.User = "bob" }, theirs: func(s *session) { s.User = "eve" },
			want: func(s *session) { s.User = "bob" }, conflicts: []string{"User"},
		}, {
			name: "time is one value",
			mine: func(s *session) { s.Seen = s.Seen.Add(1e9) }, theirs: func(s *session) { s.Seen = s.Seen.Add(2e9) },
			want: func(s *session) { s.Seen = s.Seen.Add(1e9) }, conflicts: []string{"Seen"},
		}, {
			name: "fields of a nested struct",
			mine: func(s *session) { s.Home.City = "Rome" }, theirs: func(s *session) { s.Home.Street = "Via" },
			want: func(s *session) { s.Home = address{"Via", "Rome"} },
		}, {
			name: "one field of a nested struct",
			mine: func(s *session) { s.Home.City = "Rome" }, theirs: func(s *session) { s.Home.City = "Oslo" },
			want: func(s *session) { s.Home.City = "Rome" }, conflicts: []string{"Home.City"},
		}, {
			name: "fields behind a pointer",
			mine: func(s *session) { s.Work.City = "Rome" }, theirs: func(s *session) { s.Work.Street = "Via" },
			want: func(s *session) { s.Work = &address{"Via", "Rome"} },
		}, {
			name: "pointer removed against a change",
			mine: func(s *session) { s.Work = nil }, theirs: func(s *session) { s.Work.Street = "Via" },
			want: func(s *session) { s.Work = nil }, conflicts: []string{"Work"},
		}, {
			name: "embedded struct, by its promoted name",
			mine: func(s *session) { s.Theme = "dark" }, theirs: func(s *session) { s.Theme = "blue" },
			want: func(s *session) { s.Theme = "dark" }, conflicts: []string{"Theme"},
		}, {
			name: "embedded struct, theirs",
			mine: func(s *session) { s.User = "bob" }, theirs: func(s *session) { s.Theme = "blue" },
			want: func(s *session) { s.User = "bob"; s.Theme = "blue" },
		}, {
			name: "keys of one map",
			mine: func(s *session) { s.Cart["rum"] = 1; delete(s.Cart, "tea") }, theirs: func(s *session) { s.Cart["gin"] = 2; s.Cart["milk"] = 9 },
			want: func(s *session) { s.Cart = map[string]int{"rum": 1, "gin": 2, "milk": 9} },
		}, {
			name: "key removed by them, left alone by me",
			mine: func(s *session) { s.Cart["rum"] = 1 }, theirs: func(s *session) { delete(s.Cart, "tea") },
			want: func(s *session) { s.Cart = map[string]int{"rum": 1, "milk": 2} },
		}, {
			name: "key removed by me, changed by them",
			mine: func(s *session) { delete(s.Cart, "tea") }, theirs: func(s *session) { s.Cart["tea"] = 5 },
			want: func(s *session) { delete(s.Cart, "tea") }, conflicts: []string{"Cart"},
		}, {
			name: "key removed by them, changed by me",
			mine: func(s *session) { s.Cart["tea"] = 5 }, theirs: func(s *session) { delete(s.Cart, "tea") },
			want: func(s *session) { s.Cart["tea"] = 5 }, conflicts: []string{"Cart"},
		}, {
			name: "one key, two values",
			mine: func(s *session) { s.Cart["tea"] = 5 }, theirs: func(s *session) { s.Cart["tea"] = 6 },
			want: func(s *session) { s.Cart["tea"] = 5 }, conflicts: []string{"Cart"},
		}, {
			name: "map set to nil by me, a key changed by them",
			mine: func(s *session) { s.Cart = nil }, theirs: func(s *session) { s.Cart["tea"] = 6 },
			want: func(s *session) { s.Cart = nil }, conflicts: []string{"Cart"},
		}, {
			name: "map set to nil by me, a key added by them",
			mine: func(s *session) { s.Cart = nil }, theirs: func(s *session) { s.Cart["rum"] = 1 },
			want: func(s *session) { s.Cart = map[string]int{"rum": 1} },
		}, {
			name: "map set to nil by them, a key added by me",
			mine: func(s *session) { s.Cart["rum"] = 1 }, theirs: func(s *session) { s.Cart = nil },
			want: func(s *session) { s.Cart = map[string]int{"rum": 1} },
		}, {
			name: "map set to nil by them",
			mine: func(s *session) { s.User = "bob" }, theirs: func(s *session) { s.Cart = nil },
			want: func(s *session) { s.User = "bob"; s.Cart = nil },
		}, {
			name: "map set to nil by both",
			mine: func(s *session) { s.Cart = nil }, theirs: func(s *session) { s.Cart = nil },
			want: func(s *session) { s.Cart = nil },
		}, {
			name: "map cleared by me, a key added by them",
			mine: func(s *session) { clear(s.Cart) }, theirs: func(s *session) { s.Cart["rum"] = 1 },
			want: func(s *session) { s.Cart = map[string]int{"rum": 1} },
		}, {
			name: "structs in a map",
			mine: func(s *session) { s.Places["x"] = address{"S", "mine"} }, theirs: func(s *session) { s.Places["x"] = address{"theirs", "C"} },
			want: func(s *session) { s.Places["x"] = address{"theirs", "mine"} },
		}, {
			name: "one new key, both",
			mine: func(s *session) { s.Places["y"] = address{Street: "mine"} }, theirs: func(s *session) { s.Places["y"] = address{City: "theirs"} },
			want: func(s *session) { s.Places["y"] = address{"mine", "theirs"} },
		}, {
			name: "maps of maps",
			mine: func(s *session) { s.Nested["n"]["two"] = 2 }, theirs: func(s *session) { s.Nested["n"]["three"] = 3 },
			want: func(s *session) { s.Nested["n"] = map[string]int{"one": 1, "two": 2, "three": 3} },
		}, {
			name: "maps in an interface",
			mine: func(s *session) { s.Extra.(map[string]int)["a"] = 1 }, theirs: func(s *session) { s.Extra.(map[string]int)["b"] = 2 },
			want: func(s *session) { s.Extra = map[string]int{"k": 1, "a": 1, "b": 2} },
		}, {
			name: "interface of another type",
			mine: func(s *session) { s.Extra = "x" }, theirs: func(s *session) { s.Extra = 3 },
			want: func(s *session) { s.Extra = "x" }, conflicts: []string{"Extra"},
		}, {
			name: "maps in a map of interfaces",
			mine: func(s *session) { s.Bag["m"].(map[string]any)["y"] = "mine" }, theirs: func(s *session) { s.Bag["m"].(map[string]any)["z"] = "theirs" },
			want: func(s *session) { s.Bag["m"] = map[string]any{"x": int64(1), "y": "mine", "z": "theirs"} },
		}, {
			name: "interface in a map cleared",
			mine: func(s *session) { s.Bag["m"] = nil }, theirs: func(s *session) { s.Bag["m"] = "theirs" },
			want: func(s *session) { s.Bag["m"] = nil }, conflicts: []string{"Bag"},
		}, {
			name: "slices are one value",
			mine: func(s *session) { s.History = append(s.History, "/m") }, theirs: func(s *session) { s.History = append(s.History, "/t") },
			want: func(s *session) { s.History = []string{"/", "/m"} }, conflicts: []string{"History"},
		}, {
			name: "a field's own Merge",
			mine: func(s *session) { s.Visits += 3 }, theirs: func(s *session) { s.Visits += 4 },
			want: func(s *session) { s.Visits += 7 },
		}, {
			name: "a map's own Merge",
			mine: func(s *session) { s.Tags["m"] = true }, theirs: func(s *session) { s.Tags["a"] = false; s.Tags["t"] = true },
			want: func(s *session) { s.Tags = tags{"a": false, "m": true, "t": true} },
		}, {
			name: "unexported fields that were stored make one value",
			mine: func(s *session) { s.Sealed.N = 1 }, theirs: func(s *session) { s.Sealed.hidden = 2 },
			want: func(s *session) { s.Sealed.N = 1 }, conflicts: []string{"Sealed"},
		}, {
			name: "unexported fields, mine",
			mine: func(s *session) { s.Sealed.hidden = 2 }, theirs: func(s *session) { s.Sealed.N = 1 },
			want: func(s *session) { s.Sealed.hidden = 2 }, conflicts: []string{"Sealed"},
		}, {
			name: "unexported fields, theirs",
			mine: func(s *session) { s.User = "bob" }, theirs: func(s *session) { s.Sealed.hidden = 2 },
			want: func(s *session) { s.User = "bob"; s.Sealed.hidden = 2 },
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			base, mine, theirs, want := start(), start(), start(), start()
			test.mine(mine)
			test.theirs(theirs)
			test.want(want)
			conflicts := merge.Structs(base, mine, theirs)
			require.Equal(t, want, mine)
			require.Equal(t, test.conflicts, conflicts)
		})
	}
}

// Where there was nothing before, what both have made is merged as well.
func TestFromNothing(t *testing.T) {
	mine := &session{
		Cart: map[string]int{"tea": 1}, Work: &address{Street: "mine"},
		Extra: map[string]int{"a": 1}, Nested: map[string]map[string]int{},
	}
	theirs := &session{
		Cart: map[string]int{"rum": 1}, Work: &address{City: "theirs"},
		Extra: map[string]int{"b": 2}, Nested: map[string]map[string]int{},
	}
	require.Empty(t, merge.Structs(&session{}, mine, theirs))
	require.Equal(t, &session{
		Cart: map[string]int{"tea": 1, "rum": 1}, Work: &address{"mine", "theirs"},
		Extra: map[string]int{"a": 1, "b": 2}, Nested: map[string]map[string]int{},
	}, mine)

	require.Equal(t, []string{"Extra", "Work.City"}, merge.Structs(&session{},
		&session{Work: &address{City: "same"}, Extra: 1}, &session{Work: &address{City: "same"}, Extra: 1}))
	require.Equal(t, []string{"Extra"}, merge.Structs(&session{}, &session{Extra: 1}, &session{Extra: "x"}))
}

// Where one of two new values is zero, neither is lost without a conflict.
func TestZeroFromNothing(t *testing.T) {
	type session struct {
		Map      map[string]bool
		Set      map[string]struct{}
		Times    map[string]time.Time
		Pointers map[string]*int
		Pointer  *int
		Any      any
		Anys     map[string]any
		Score    *tally
	}
	now := time.Unix(1, 0)
	zero := func() *session {
		return &session{map[string]bool{"a": false}, map[string]struct{}{"a": {}}, map[string]time.Time{"a": {}}, map[string]*int{"a": nil}, new(0), 0, map[string]any{"a": 0}, new(tally(0))}
	}
	other := func() *session {
		return &session{map[string]bool{"a": true}, map[string]struct{}{"a": {}}, map[string]time.Time{"a": now}, map[string]*int{"a": new(1)}, new(1), 1, map[string]any{"a": 1}, new(tally(1))}
	}
	conflicts := []string{"Any", "Anys", "Map", "Pointer", "Pointers", "Times"}
	mine := zero()
	require.Equal(t, conflicts, merge.Structs(&session{}, mine, other()))
	want := zero()
	*want.Score = 1
	require.Equal(t, want, mine)

	mine = other()
	require.Equal(t, conflicts, merge.Structs(&session{}, mine, zero()))
	require.Equal(t, other(), mine)

	mine = zero()
	require.Empty(t, merge.Structs(&session{}, mine, zero()))
	require.Equal(t, zero(), mine)
}

type whole struct{ A, B int }

func (w *whole) Merge(base, theirs *whole) { w.A += theirs.A - base.A; w.B = 99 }

func TestMergeOfTheWhole(t *testing.T) {
	mine := &whole{A: 3, B: 1}
	require.Empty(t, merge.Structs(&whole{A: 1}, mine, &whole{A: 5}))
	require.Equal(t, &whole{A: 7, B: 99}, mine)

	alike := &whole{A: 2}
	require.Empty(t, merge.Structs(&whole{A: 1}, alike, &whole{A: 2}))
	require.Equal(t, 3, alike.A)
}
