package inspect

import (
	"cmp"
	"encoding"
	"encoding/hex"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A node is a value of a session, as the page shows it.
type node struct {
	Name     string // of the field, the key in a map, or the index
	Type     string
	Text     string    // what it says, of a value without parts
	Time     time.Time // in place of Text
	Count    string    // of a value with parts, such as "3 entries"
	Secret   bool      // then there is nothing else but a name
	Open     bool
	Children []node
	More     int // children that are not shown
}

const (
	maxNodes    = 500 // of a field of the session
	maxChildren = 200 // of a value
	maxDepth    = 32
	maxText     = 2000 // bytes of a text
)

// Preview is what a value with fields holds, while it is folded.
func (n node) Preview() string {
	if n.Count != "" {
		return ""
	}
	return shorten(n.line(), 100)
}

// tree returns the fields of a session, a *T. It has what is stored: exported
// fields, but for those with the tag sesame:"secret", which are hidden wherever
// they are. To that end methods of the session's types are called only for types
// that have no secret in them.
func tree(session any) node {
	t := &builder{left: maxNodes}
	n := t.value("", reflect.ValueOf(session), 0)
	n.Open = true
	return n
}

// A builder counts the nodes of a tree.
type builder struct{ left int }

func (b *builder) value(name string, v reflect.Value, depth int) node {
	b.left--
	for v.IsValid() && (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface) {
		if v.IsNil() {
			return node{Name: name, Type: v.Type().String(), Text: "nil"}
		}
		if depth++; depth > maxDepth {
			break // a pointer to itself
		}
		v = v.Elem()
	}
	n := node{Name: name}
	if !v.IsValid() {
		n.Text = "nil"
		return n
	}
	n.Type = v.Type().String()
	if at, ok := moment(v); ok {
		if n.Time = at; at.IsZero() {
			n.Text = "zero"
		}
		return n
	}
	if text, ok := said(v); ok {
		n.Text = text
		return n
	}
	switch v.Kind() {
	case reflect.Struct:
		b.parts(&n, fields(v), depth)
	case reflect.Map:
		n.Count = count(v.Len(), "entry", "entries")
		b.parts(&n, entries(v), depth)
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			n.Text = octets(v)
			break
		}
		n.Count = count(v.Len(), "element", "elements")
		b.parts(&n, elements(v), depth)
	case reflect.String:
		n.Text = strconv.Quote(shorten(v.String(), maxText))
	default:
		n.Text = plain(v)
	}
	return n
}

// A part is a value in another one.
type part struct {
	name   string
	value  reflect.Value
	secret bool
}

func (b *builder) parts(n *node, parts iter.Seq[part], depth int) {
	for p := range parts {
		if depth <= 1 {
			b.left = maxNodes // so that a large field does not hide those after it
		}
		switch {
		case len(n.Children) == maxChildren || b.left <= 0 || depth > maxDepth:
			n.More++
		case p.secret:
			b.left--
			n.Children = append(n.Children, node{Name: p.name, Secret: true})
		default:
			n.Children = append(n.Children, b.value(p.name, p.value, depth+1))
		}
	}
	n.Open = depth < 3 && len(n.Children) <= 10
	if n.Count == "" && len(n.Children)+n.More == 0 {
		n.Text = "{}"
	}
}

func fields(v reflect.Value) iter.Seq[part] {
	return func(yield func(part) bool) {
		for f := range v.Type().Fields() {
			value := v.FieldByIndex(f.Index)
			if !f.IsExported() && (!f.Anonymous || value.Kind() != reflect.Struct) {
				continue // not stored
			}
			if !yield(part{f.Name, value, isSecret(f)}) {
				return
			}
		}
	}
}

// isSecret reports whether a field is not for people to see.
func isSecret(f reflect.StructField) bool {
	return slices.Contains(strings.Split(f.Tag.Get("sesame"), ","), "secret")
}

func entries(v reflect.Value) iter.Seq[part] {
	parts := make([]part, 0, v.Len())
	for entry := v.MapRange(); entry.Next(); {
		parts = append(parts, part{name: key(entry.Key()), value: entry.Value()})
	}
	slices.SortFunc(parts, func(a, b part) int {
		x, errX := strconv.ParseInt(a.name, 10, 64)
		y, errY := strconv.ParseInt(b.name, 10, 64)
		if errX == nil && errY == nil {
			return cmp.Compare(x, y)
		}
		return cmp.Compare(a.name, b.name)
	})
	return slices.Values(parts)
}

// key returns the key of a map in one line.
func key(v reflect.Value) string {
	b := &builder{left: 50}
	return b.value("", v, 0).line()
}

func (n node) line() string {
	switch {
	case n.Count != "":
		return n.Count
	case n.Secret:
		return "•••••"
	case !n.Time.IsZero():
		return n.Time.Format(time.RFC3339Nano)
	case n.Text != "":
		return n.Text
	}
	var parts []string
	for _, c := range n.Children {
		parts = append(parts, c.Name+": "+c.line())
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func elements(v reflect.Value) iter.Seq[part] {
	return func(yield func(part) bool) {
		for i := range v.Len() {
			if !yield(part{name: strconv.Itoa(i), value: v.Index(i)}) {
				return
			}
		}
	}
}

func moment(v reflect.Value) (time.Time, bool) {
	if v.Type() != reflect.TypeFor[time.Time]() || !v.CanInterface() {
		return time.Time{}, false
	}
	return v.Interface().(time.Time), true
}

// said returns what a value says of itself: the text that it is stored as, or,
// of a number with a name, such as a role, its String.
func said(v reflect.Value) (text string, ok bool) {
	t := v.Type()
	if !v.CanInterface() || t.Kind() == reflect.Interface || hasSecret(t, nil) {
		return "", false
	}
	defer func() {
		if recover() != nil {
			text, ok = "", false
		}
	}()
	p := reflect.New(t) // for methods of pointers, and so that they change a copy
	p.Elem().Set(v)
	switch x := p.Interface().(type) {
	case encoding.TextMarshaler:
		b, err := x.MarshalText()
		return shorten(string(b), maxText), err == nil
	case fmt.Stringer:
		switch {
		case t == reflect.TypeFor[time.Duration]():
			return x.String(), true
		case reflect.Bool <= t.Kind() && t.Kind() <= reflect.Float64:
			return shorten(x.String(), maxText) + " (" + plain(v) + ")", true
		}
	}
	return "", false
}

// hasSecret reports whether a value of type t may have a secret field in it.
// Behind an interface there may be anything.
func hasSecret(t reflect.Type, seen []reflect.Type) bool {
	if slices.Contains(seen, t) {
		return false
	}
	seen = append(seen, t)
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return hasSecret(t.Elem(), seen)
	case reflect.Map:
		return hasSecret(t.Key(), seen) || hasSecret(t.Elem(), seen)
	case reflect.Interface:
		return true
	case reflect.Struct:
		for f := range t.Fields() {
			if isSecret(f) || hasSecret(f.Type, seen) {
				return true
			}
		}
	}
	return false
}

// plain returns a number or a bool, without any methods that it may have.
func plain(v reflect.Value) string {
	switch {
	case v.Kind() == reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case v.CanInt():
		return strconv.FormatInt(v.Int(), 10)
	case v.CanUint():
		return strconv.FormatUint(v.Uint(), 10)
	case v.CanFloat():
		return strconv.FormatFloat(v.Float(), 'g', -1, v.Type().Bits())
	case v.CanComplex():
		return strconv.FormatComplex(v.Complex(), 'g', -1, v.Type().Bits())
	case v.Kind() == reflect.String:
		return v.String()
	}
	return "a " + v.Kind().String()
}

// octets returns bytes in hexadecimal digits.
func octets(v reflect.Value) string {
	const shown = 64
	b := make([]byte, min(v.Len(), shown))
	for i := range b {
		b[i] = byte(v.Index(i).Uint())
	}
	text := count(v.Len(), "byte", "bytes")
	if len(b) > 0 {
		text += " " + hex.EncodeToString(b)
	}
	if v.Len() > shown {
		text += "…"
	}
	return text
}
