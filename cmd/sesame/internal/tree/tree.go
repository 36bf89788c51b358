// Package tree shows the data of a session without the program's struct.
package tree

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/sesame-go/sesame/cmd/sesame/internal/terminal"
	"github.com/sesame-go/sesame/codec"
)

// IDs of codecs that say by themselves what they have.
const (
	msgpackID = 1
	jsonID    = 2
	gobID     = 3
	cborID    = 4
)

// CodecName returns the name of a codec by its ID.
func CodecName(id byte) string {
	switch id {
	case msgpackID:
		return "msgpack"
	case jsonID:
		return "json"
	case gobID:
		return "gob"
	case cborID:
		return "cbor"
	}
	return fmt.Sprintf("codec %d", id)
}

// ErrOpaque says that data can be decoded only with the program's struct or codec.
var ErrOpaque = errors.New("only the program can decode it")

// Decode returns what a codec has written: nil, a bool, number, string, []byte or
// time, or a slice or map of them. It returns an error that wraps [ErrOpaque] for
// gob and for codecs that it does not know.
func Decode(id byte, data []byte) (v any, err error) {
	switch id {
	case msgpackID:
		err = codec.MsgPack.Decode(data, &v)
	case jsonID:
		d := json.NewDecoder(bytes.NewReader(data))
		d.UseNumber()
		if err = d.Decode(&v); err == nil && d.More() {
			err = errors.New("json: there is more behind the value")
		}
	case cborID:
		err = cborMode.Unmarshal(data, &v)
	case gobID:
		err = fmt.Errorf("%w: gob needs the struct", ErrOpaque)
	default:
		err = fmt.Errorf("%w: %s is not one of sesame's", ErrOpaque, CodecName(id))
	}
	if err != nil {
		return nil, err
	}
	return v, nil
}

// cborMode reads what cborcodec writes, and maps with keys of any kind.
var cborMode = func() cbor.DecMode {
	mode, err := cbor.DecOptions{
		DefaultMapType:           reflect.TypeFor[map[any]any](),
		DefaultByteStringType:    reflect.TypeFor[[]byte](),
		ByteStringToString:       cbor.ByteStringToStringAllowed,
		IntDec:                   cbor.IntDecConvertSignedOrBigInt,
		BigIntDec:                cbor.BigIntDecodePointer,
		MaxNestedLevels:          1000,
		MaxArrayElements:         1 << 20,
		MaxMapPairs:              1 << 20,
		ByteStringExpectedFormat: cbor.ByteStringExpectedFormatNone,
	}.DecMode()
	if err != nil {
		panic(err)
	}
	return mode
}()

// Write writes a decoded value as a tree, one field a line, with each level
// further to the right.
func Write(w io.Writer, v any, now time.Time) error {
	var b strings.Builder
	write(&b, v, 0, now)
	_, err := io.WriteString(w, b.String())
	return err
}

func write(b *strings.Builder, v any, level int, now time.Time) {
	branches := branchesOf(v)
	wide := 0
	for _, br := range branches {
		if len(branchesOf(br.value)) == 0 {
			wide = max(wide, min(len(br.name), 24))
		}
	}
	for _, br := range branches {
		indent := strings.Repeat("  ", min(level, 20))
		if n := len(branchesOf(br.value)); n > 0 {
			fmt.Fprintf(b, "%s%s  (%d)\n", indent, br.name, n)
			write(b, br.value, level+1, now)
			continue
		}
		fmt.Fprintf(b, "%s%-*s  %s\n", indent, wide, br.name, leaf(br.value, now))
	}
	if level == 0 && len(branches) == 0 {
		fmt.Fprintln(b, leaf(v, now))
	}
}

// A branch is a field, an element or an entry.
type branch struct {
	name  string
	value any
}

// branchesOf returns those of a value: the elements of a slice, the entries of a
// map by their keys.
func branchesOf(v any) (all []branch) {
	switch v := v.(type) {
	case []any:
		for i, element := range v {
			all = append(all, branch{"[" + strconv.Itoa(i) + "]", element})
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			all = append(all, branch{terminal.Text(k), v[k]})
		}
	case map[any]any:
		for k, value := range v {
			all = append(all, branch{keyText(k), value})
		}
		slices.SortFunc(all, func(a, b branch) int { return strings.Compare(a.name, b.name) })
	case cbor.Tag:
		return branchesOf(v.Content)
	}
	return all
}

func keyText(k any) string {
	if s, ok := k.(string); ok {
		return terminal.Text(s)
	}
	return leaf(k, time.Time{})
}

// leaf returns a value that has no branches.
func leaf(v any, now time.Time) string {
	switch v := v.(type) {
	case nil:
		return "none"
	case string:
		return strconv.Quote(v)
	case []byte:
		return bytesText(v)
	case cbor.ByteString:
		return bytesText([]byte(v))
	case cbor.Tag:
		return leaf(v.Content, now)
	case time.Time:
		if now.IsZero() {
			return v.Format(time.RFC3339Nano)
		}
		return v.Format(time.RFC3339Nano) + " (" + terminal.Moment(v, now) + ")"
	case []any:
		return "[]"
	case map[string]any, map[any]any:
		return "{}"
	}
	return terminal.Lines(fmt.Sprint(v))
}

func bytesText(b []byte) string {
	const shown = 32
	more := ""
	if len(b) > shown {
		more = "…"
	}
	return fmt.Sprintf("%d bytes: %x%s", len(b), b[:min(len(b), shown)], more)
}

// Plain returns a decoded value in a form that encoding/json takes.
func Plain(v any) any {
	switch v := v.(type) {
	case []any:
		all := make([]any, len(v))
		for i := range v {
			all[i] = Plain(v[i])
		}
		return all
	case map[string]any:
		all := make(map[string]any, len(v))
		for k := range v {
			all[k] = Plain(v[k])
		}
		return all
	case map[any]any:
		all := make(map[string]any, len(v))
		for k := range v {
			name, ok := k.(string)
			if !ok {
				name = keyText(k)
			}
			all[name] = Plain(v[k])
		}
		return all
	case cbor.ByteString:
		return base64.StdEncoding.EncodeToString([]byte(v))
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Sprint(v)
		}
	case cbor.Tag:
		return Plain(v.Content)
	case float32:
		return Plain(float64(v))
	case time.Time:
		return v.Format(time.RFC3339Nano) // MarshalJSON fails beyond the year 9999
	}
	return v
}
