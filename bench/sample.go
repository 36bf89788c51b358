package bench

import (
	"encoding/gob"
	"encoding/json"
	"fmt"

	"github.com/alexedwards/scs/v2"

	"github.com/sesame-go/sesame"
)

// Session is a struct that is measured: a [Sample], whatever its type.
type Session interface {
	Name() string
	Parallel() bool // several requests can leave marks in it
	IsLarge() bool  // see large

	sesame(opts ...sesame.Option) app
	values() values
	packed() (values, scs.Codec)
	expect(changes int) []byte // the dump after so many changes
}

// Sample is a session and what requests do to it.
type Sample[T any] struct {
	Size   string          // its name
	Large  bool            // measured in memory, with read, change and create only
	Value  T               // while a user is signed in; never changed
	Read   func(*T) string // reads one field
	Change func(*T)        // changes one field

	// Mark leaves the i-th of ten marks, Marks counts them. A sample without is
	// left out where ten requests run at once.
	Mark  func(s *T, i int)
	Marks func(*T) int

	// Keys is how a library keeps it whose sessions are maps. Nil is whole,
	// under one key.
	Keys *Keys[T]
}

// Of returns a sample without marks that is kept whole.
func Of[T any](name string, value T, read func(*T) string, change func(*T)) Session {
	return Sample[T]{Size: name, Value: value, Read: read, Change: change}
}

// Values is a session that is a map.
type Values interface {
	Get(key any) any
	Set(key, value any)
}

// Keys spreads a struct over the keys of a map.
type Keys[T any] struct {
	Put    func(Values, T)
	Take   func(Values) T
	Read   func(Values) string
	Change func(Values)
}

// Name returns the sample's name.
func (s Sample[T]) Name() string { return s.Size }

// Parallel says whether the sample has marks.
func (s Sample[T]) Parallel() bool { return s.Mark != nil }

// IsLarge says whether the sample is measured in memory only.
func (s Sample[T]) IsLarge() bool { return s.Large }

// state is what a dump tells.
type state[T any] struct {
	Session T
	Marks   int
}

func dump[T any](session T, marks int) []byte {
	b, err := json.Marshal(state[T]{session, marks})
	if err != nil {
		panic(fmt.Sprintf("bench: a session that is dumped as JSON: %v", err))
	}
	return b
}

func marksIn(dumped []byte) int {
	var s state[any]
	if err := json.Unmarshal(dumped, &s); err != nil {
		panic(fmt.Sprintf("bench: no dump of a session: %q", dumped))
	}
	return s.Marks
}

func (s Sample[T]) expect(changes int) []byte {
	var got state[T]
	if err := json.Unmarshal(dump(s.Value, 0), &got); err != nil { // a deep copy
		panic(fmt.Sprintf("bench: a session that is dumped as JSON: %v", err))
	}
	for range changes {
		s.Change(&got.Session)
	}
	return dump(got.Session, 0)
}

// check panics if a library has read something else.
func (s Sample[T]) check(got string) {
	if want := s.Read(&s.Value); got != want {
		panic(fmt.Sprintf("bench: read %q, want %q", got, want))
	}
}

// values is what requests do to a session that is a map.
type values struct {
	put    func(Values)
	read   func(Values)
	change func(Values)
	dump   func(Values) []byte
}

func (s Sample[T]) values() values {
	if s.Keys != nil {
		return s.spread(s.Keys)
	}
	gob.Register(new(T)) // a pointer, as gorilla's documentation advises
	return s.spread(s.whole())
}

const whole = "session"

// whole keeps a session under one key.
func (s Sample[T]) whole() *Keys[T] {
	get := func(v Values) *T {
		if p, ok := v.Get(whole).(*T); ok {
			return p
		}
		return new(T)
	}
	return &Keys[T]{
		Put:    func(v Values, t T) { v.Set(whole, &t) },
		Take:   func(v Values) T { return *get(v) },
		Read:   func(v Values) string { return s.Read(get(v)) },
		Change: func(v Values) { p := get(v); s.Change(p); v.Set(whole, p) },
	}
}

func (s Sample[T]) spread(k *Keys[T]) values {
	return values{
		put:    func(v Values) { k.Put(v, s.Value) },
		read:   func(v Values) { s.check(k.Read(v)) },
		change: k.Change,
		dump: func(v Values) []byte {
			marks := 0
			for i := range Parallel {
				if v.Get(markKeys[i]) != nil {
					marks++
				}
			}
			return dump(k.Take(v), marks)
		},
	}
}
