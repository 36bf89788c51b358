package merge

import (
	"fmt"
	"math"
	"math/cmplx"
	"reflect"
	"strings"
)

// rule is what the struct tag of a field says about changes by both.
type rule byte

const (
	none  rule = iota
	sum        // `sesame:"sum"`: add what each has added
	items      // `sesame:"items"`: add and remove what each has added and removed
)

// words are those that a tag may have, separated by commas.
var words = map[string]rule{"sum": sum, "items": items, "secret": none}

// parse returns the rules that the words of a tag stand for.
func parse(tag string) (rules []rule, err error) {
	if tag == "" {
		return nil, nil
	}
	for word := range strings.SplitSeq(tag, ",") {
		r, known := words[word]
		if !known {
			return nil, fmt.Errorf("unknown word %q, use sum, items or secret", word)
		}
		if r != none {
			rules = append(rules, r)
		}
	}
	return rules, nil
}

// ruleOf returns the rule of a field that has been checked.
func ruleOf(f reflect.StructField) rule {
	rules, err := parse(f.Tag.Get("sesame"))
	if err != nil || len(rules) == 0 || !rules[0].fits(f.Type) {
		return none
	}
	return rules[0]
}

// settled returns the type of the values to which a rule on a field of type t
// applies: what is behind pointers, and each value of a map, unless their type
// settles its own conflicts.
func settled(t reflect.Type) reflect.Type {
	seen := map[reflect.Type]bool{}
	for (t.Kind() == reflect.Pointer || t.Kind() == reflect.Map) && !seen[t] && !hasOwn(t) {
		seen[t] = true
		t = t.Elem()
	}
	return t
}

// fits reports whether a rule can be that of a field of type t.
func (r rule) fits(t reflect.Type) bool {
	t = settled(t)
	if r == sum {
		return reflect.Int <= t.Kind() && t.Kind() <= reflect.Complex128
	}
	return t.Kind() == reflect.Slice && t.Elem() != reflect.TypeFor[byte]()
}

// needs says, for an error, which types the rule fits.
func (r rule) needs() string {
	if r == sum {
		return "sum needs a number, or a map of numbers; in a struct, tag its fields"
	}
	return "items needs a slice, or a map of slices; a []byte is one value"
}

// settle applies a rule to a value that both changed, and reports false if it
// cannot.
func (r rule) settle(v versions) bool {
	switch r {
	case sum:
		return settleSum(v.base, v.mine, v.theirs)
	case items:
		return settleItems(v.base, v.mine, v.theirs)
	}
	return false
}

// settleSum adds the difference that I made to what they have. Integers wrap as
// Go's do, but an unsigned one stops at 0. It fails for floating point numbers
// that have no difference: infinities and NaN.
func settleSum(base, mine, theirs reflect.Value) bool {
	switch {
	case mine.CanInt():
		mine.SetInt(theirs.Int() + (mine.Int() - base.Int()))
	case mine.CanUint():
		b, m, t := base.Uint(), mine.Uint(), theirs.Uint()
		if m < b && t < b-m {
			mine.SetUint(0)
		} else {
			mine.SetUint(t + (m - b))
		}
	case mine.CanFloat():
		added := mine.Float() - base.Float()
		total := theirs.Float() + added
		if math.IsNaN(added) || math.IsInf(added, 0) || math.IsNaN(total) {
			return false
		}
		mine.SetFloat(total)
	case mine.CanComplex():
		added := mine.Complex() - base.Complex()
		total := theirs.Complex() + added
		if cmplx.IsNaN(added) || cmplx.IsInf(added) || cmplx.IsNaN(total) {
			return false
		}
		mine.SetComplex(total)
	default:
		return false
	}
	return true
}
