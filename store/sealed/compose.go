package sealed

import "github.com/sesame-go/sesame/store"

// compose gives s the optional interfaces that its inner store has, and no
// others: a method that could but fail would be taken for a promise. What goes
// through unchanged, since it does not deal in data, is the inner store's own
// method.
func compose(s *sealed) store.Store {
	const (
		rotates = 1 << iota
		lists
		indexes
		sweeps
	)
	has := 0
	if _, ok := s.inner.(store.Rotator); ok {
		has |= rotates
	}
	if _, ok := s.inner.(store.Lister); ok {
		has |= lists
	}
	index, ok := s.inner.(store.OwnerIndex)
	if ok {
		has |= indexes
	}
	sweeper, ok := s.inner.(store.Sweeper)
	if ok {
		has |= sweeps
	}

	type (
		R = store.Rotator
		L = store.Lister
		O = store.OwnerIndex
		S = store.Sweeper
	)
	r, l, o, w := rotator{s}, lister{s}, index, sweeper
	switch has {
	case rotates:
		return struct {
			*sealed
			R
		}{s, r}
	case lists:
		return struct {
			*sealed
			L
		}{s, l}
	case rotates | lists:
		return struct {
			*sealed
			R
			L
		}{s, r, l}
	case indexes:
		return struct {
			*sealed
			O
		}{s, o}
	case rotates | indexes:
		return struct {
			*sealed
			R
			O
		}{s, r, o}
	case lists | indexes:
		return struct {
			*sealed
			L
			O
		}{s, l, o}
	case rotates | lists | indexes:
		return struct {
			*sealed
			R
			L
			O
		}{s, r, l, o}
	case sweeps:
		return struct {
			*sealed
			S
		}{s, w}
	case rotates | sweeps:
		return struct {
			*sealed
			R
			S
		}{s, r, w}
	case lists | sweeps:
		return struct {
			*sealed
			L
			S
		}{s, l, w}
	case rotates | lists | sweeps:
		return struct {
			*sealed
			R
			L
			S
		}{s, r, l, w}
	case indexes | sweeps:
		return struct {
			*sealed
			O
			S
		}{s, o, w}
	case rotates | indexes | sweeps:
		return struct {
			*sealed
			R
			O
			S
		}{s, r, o, w}
	case lists | indexes | sweeps:
		return struct {
			*sealed
			L
			O
			S
		}{s, l, o, w}
	case rotates | lists | indexes | sweeps:
		return struct {
			*sealed
			R
			L
			O
			S
		}{s, r, l, o, w}
	}
	return s
}
