package storetest

import "github.com/sesame-go/sesame/store"

// only returns t with those of the optional interfaces whose bits, in the
// order of the list of all of them, are set in has. Whoever finds an interface
// by type assertion may rely on it, so each of the sixteen sets is a type.
func (t *turns) only(has int) store.Store {
	const (
		r = 1 << iota
		l
		o
		s
	)
	type (
		R = store.Rotator
		L = store.Lister
		O = store.OwnerIndex
		S = store.Sweeper
	)
	switch has {
	case r:
		return struct {
			store.Store
			R
		}{t, t}
	case l:
		return struct {
			store.Store
			L
		}{t, t}
	case r | l:
		return struct {
			store.Store
			R
			L
		}{t, t, t}
	case o:
		return struct {
			store.Store
			O
		}{t, t}
	case r | o:
		return struct {
			store.Store
			R
			O
		}{t, t, t}
	case l | o:
		return struct {
			store.Store
			L
			O
		}{t, t, t}
	case r | l | o:
		return struct {
			store.Store
			R
			L
			O
		}{t, t, t, t}
	case s:
		return struct {
			store.Store
			S
		}{t, t}
	case r | s:
		return struct {
			store.Store
			R
			S
		}{t, t, t}
	case l | s:
		return struct {
			store.Store
			L
			S
		}{t, t, t}
	case r | l | s:
		return struct {
			store.Store
			R
			L
			S
		}{t, t, t, t}
	case o | s:
		return struct {
			store.Store
			O
			S
		}{t, t, t}
	case r | o | s:
		return struct {
			store.Store
			R
			O
			S
		}{t, t, t, t}
	case l | o | s:
		return struct {
			store.Store
			L
			O
			S
		}{t, t, t, t}
	case r | l | o | s:
		return struct {
			store.Store
			R
			L
			O
			S
		}{t, t, t, t, t}
	}
	return struct{ store.Store }{t}
}
