// Package doctor finds what is wrong with a store, and says the cure.
package doctor

import (
	"cmp"
	"context"
	"fmt"

	"github.com/sesame-go/sesame/cmd/sesame/engine"
	"github.com/sesame-go/sesame/store"
)

// A Level says how bad a finding is.
type Level string

// Levels of findings.
const (
	OK      Level = "ok"
	Note    Level = "note"    // what an operator should know, or could not be seen
	Problem Level = "problem" // a promise that docs/STORES.md makes is broken
)

// A Finding is what one check has found.
type Finding struct {
	Level Level  `json:"level"`
	Check string `json:"check"`
	Text  string `json:"text"`
	Cure  string `json:"cure,omitempty"`
}

// A Patient is the store that is examined.
type Patient struct {
	Engine *engine.Engine
	Store  store.Store // the engine's, unsealed if there are keys
	Skips  func() int  // how many damaged records the store has reported to its logger
	All    bool        // check the index for all sessions that have an owner, not for some
	Done   func()      // is called after each session

	found []Finding
}

func (p *Patient) add(level Level, check, cure, format string, args ...any) {
	p.found = append(p.found, Finding{level, check, fmt.Sprintf(format, args...), cure})
}

// unseen notes that a check could not be made.
func (p *Patient) unseen(check, cure string, err error) {
	p.add(Note, check, cmp.Or(cure, "look yourself, or give an address with a user who may ask"), "could not be seen: %v", err)
}

// Examine makes all checks. Its error is that of the store, when not even its
// sessions can be read.
func (p *Patient) Examine(ctx context.Context) ([]Finding, error) {
	settings := map[string]func(context.Context){
		"redis": p.redis, "nats": p.nats, "postgres": p.postgres, "mysql": p.mysql, "sqlite": p.sqlite, "log": p.log, "dir": p.directory,
	}
	p.clock(ctx)
	settings[p.Engine.Kind](ctx)
	err := p.records(ctx)
	return p.found, err
}
