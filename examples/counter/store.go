package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/dirstore"
	"github.com/sesame-go/sesame/store/logstore"
	"github.com/sesame-go/sesame/store/memstore"
)

// storeForms has an example of each form that open takes.
const storeForms = `
  memory:          gone when the program ends
  log:counter.db   a file, for one process
  dir:sessions     a directory, which several processes may share
`

// A place is where sessions are kept.
type place struct {
	store    store.Store
	close    func() error
	Kept     string // in words
	Survives bool   // the end of the process
	Shared   bool   // by several processes
	Bind     bool   // sessions are bound to devices
}

// open opens the store that a value such as log:counter.db names.
func open(where string) (place, error) {
	engine, at, _ := strings.Cut(where, ":")
	full, err := filepath.Abs(at)
	if err != nil {
		return place{}, fmt.Errorf("-store %s: %w", where, err)
	}
	switch {
	case where == "memory:":
		return place{store: memstore.New(), close: func() error { return nil }, Kept: "the memory of the server"}, nil
	case engine == "log" && at != "":
		s, err := logstore.Open(full)
		if err != nil {
			return place{}, err
		}
		return place{store: s, close: s.Close, Kept: "the file " + full, Survives: true}, nil
	case engine == "dir" && at != "":
		s, err := dirstore.Open(full)
		if err != nil {
			return place{}, err
		}
		return place{store: s, close: s.Close, Kept: "the directory " + full, Survives: true, Shared: true}, nil
	}
	// The value is left out of the error: the URL of a server has a password.
	return place{}, fmt.Errorf("-store: the value is none of these:%s(for databases and servers see ./examples/engines)", storeForms)
}
