package lifecycle

import (
	"fmt"
	"math"
	"reflect"
	"runtime"
	"slices"
)

// Upgrade is a step from one version of the session type to the next.
type Upgrade struct {
	To       int // the version that it leads to
	Old, New reflect.Type
	Convert  func(old any) any // makes a *New of an *Old
}

// useUpgrades finds the versions of the session type. Without steps the only
// one is 1.
func (e *Engine) useUpgrades() error {
	steps := slices.Clone(e.Upgrades)
	slices.SortStableFunc(steps, func(a, b Upgrade) int { return a.To - b.To })
	for i, step := range steps {
		name := fmt.Sprintf("WithUpgrade(%d, func(%s) %s)", step.To, step.Old, step.New)
		switch {
		case step.To < 2 || step.To > math.MaxUint16:
			return fmt.Errorf("%s: the first version of a session type is 1, so steps lead to 2 and up, to %d at most", name, math.MaxUint16)
		case step.Convert == nil:
			return fmt.Errorf("%s: the function is nil", name)
		case step.Old.Kind() != reflect.Struct || step.New.Kind() != reflect.Struct:
			return fmt.Errorf("%s: use the structs themselves, not pointers to them", name)
		case i == 0:
			continue
		}
		switch before := steps[i-1]; {
		case step.To == before.To:
			return fmt.Errorf("%s: there is another step to version %d; give each version one", name, step.To)
		case step.To != before.To+1:
			return fmt.Errorf("%s: the step before it leads to version %d; add those between", name, before.To)
		case step.Old != before.New:
			return fmt.Errorf("%s: the step to version %d makes a %s; begin with that", name, before.To, before.New)
		}
	}
	e.schema = 1
	if n := len(steps); n > 0 {
		last := steps[n-1]
		if last.New != e.Type {
			return fmt.Errorf("WithUpgrade(%d, func(%s) %s): the last step must make a %s", last.To, last.Old, last.New, e.Type)
		}
		e.schema = uint16(last.To)
	}
	e.Upgrades = steps
	return nil
}

// typeOf returns the type that sessions of a version of the session type have,
// and the steps from there to T. The type is nil if no step begins there.
func (e *Engine) typeOf(version int) (reflect.Type, []Upgrade) {
	oldest := int(e.schema) - len(e.Upgrades) // that can be read
	switch {
	case version == int(e.schema):
		return e.Type, nil
	case version < oldest || version > int(e.schema):
		return nil, nil
	}
	return e.Upgrades[version-oldest].Old, e.Upgrades[version-oldest:]
}

// kindOf says what a step panicked with, without its text, which may quote the
// session, unless it is the runtime's.
func kindOf(r any) string {
	if err, ok := r.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("a value of type %T", r)
}

// upgrade makes a *T of a value of an older type. Later changes are found
// against the encoding of that value, so that reading a session never writes it,
// even if a step gives another value each time. A step that panics is an error:
// the session cannot be read.
func (e *Engine) upgrade(value any, steps []Upgrade, from *snapshot) (_ any, err error) {
	to := 0
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("upgrade to version %d: panic: %s", to, kindOf(r))
		}
	}()
	for _, step := range steps {
		to = step.To
		value = step.Convert(value)
	}
	if !from.own {
		scratch := e.scratch.Get().(*[]byte)
		defer e.scratch.Put(scratch)
		if err := e.encode(scratch, value, nil); err != nil {
			return nil, fmt.Errorf("upgrade to version %d: %w", to, err)
		}
		from.before, from.own, from.exact = hash(*scratch), true, true
	}
	return value, nil
}
