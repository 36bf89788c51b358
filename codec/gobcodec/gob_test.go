package gobcodec_test

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"math/big"
	"net/url"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/codec"
	"github.com/sesame-go/sesame/codec/codectest"
	"github.com/sesame-go/sesame/codec/gobcodec"
)

func TestConforms(t *testing.T) {
	codectest.Run(t, gobcodec.Gob, codectest.NotCanonical(), codectest.NotHardened())
}

func TestIdentity(t *testing.T) {
	require.Equal(t, byte(3), gobcodec.Gob.ID())
	require.Equal(t, "gob", fmt.Sprint(gobcodec.Gob))
}

// TestProgramsThatDoNotUseIt do not link encoding/gob either: it is some 450 KB.
func TestProgramsThatDoNotUseIt(t *testing.T) {
	deps, err := exec.Command("go", "list", "-deps", "github.com/sesame-go/sesame").Output()
	require.NoError(t, err)
	require.Contains(t, string(deps), "github.com/sesame-go/sesame/codec\n")
	require.NotContains(t, string(deps), "gob")
}

type (
	role  string
	point struct{ X, Y int }
	tree  struct {
		Name string
		Kids []*tree
		Any  any
	}
)

func init() {
	gob.Register(role(""))
	gob.Register(point{})
	gob.Register(&tree{})
	gob.Register([]any{})
}

// TestPlainGob reads what encoding/gob writes, and the other way round.
func TestPlainGob(t *testing.T) {
	type session struct {
		Any  any
		Anys []any
		Map  map[role]point
		At   time.Time
	}
	want := session{point{1, 2}, []any{role("admin"), 7, &tree{Name: "root"}}, map[role]point{"a": {1, 2}, "b": {3, 4}}, time.Unix(1, 2).UTC()}
	var plain bytes.Buffer
	require.NoError(t, gob.NewEncoder(&plain).Encode(want))
	var got session
	require.NoError(t, gobcodec.Gob.Decode(plain.Bytes(), &got))
	require.Equal(t, want, got)

	data, err := gobcodec.Gob.Append(nil, &want)
	require.NoError(t, err)
	got = session{}
	require.NoError(t, gob.NewDecoder(bytes.NewReader(data)).Decode(&got))
	require.Equal(t, want, got)
}

// panics has a method that panics with what the session holds.
type panics struct{ Secret string }

func (p panics) GobEncode() ([]byte, error) { panic("cannot encode " + p.Secret) }
func (*panics) GobDecode([]byte) error      { panic("cannot decode") }

func TestAppendErrors(t *testing.T) {
	type unregistered struct{ A int }
	type holder struct{ V any }
	loop := &tree{}
	loop.Kids = []*tree{loop}
	anyLoop := &tree{}
	anyLoop.Any = anyLoop
	deep := &tree{}
	for range 1000 {
		deep = &tree{Kids: []*tree{deep}}
	}
	for want, v := range map[string]any{
		"gobcodec_test.unregistered; call gob.Register": &holder{unregistered{}},
		"nil element": &struct{ P []*int }{[]*int{nil}},
		"time.Time.GobEncode called using nil *Time pointer": &struct{ T []*time.Time }{[]*time.Time{nil}},
		"panics with a value of type string":                 &struct{ P panics }{panics{"xyzzy"}},
		"nested too deep, or refers to itself":               loop,
		"too deep, or refers to itself":                      anyLoop,
		"too deep":                                           deep,
		"only unexported fields":                             &holder{struct{ a int }{1}},
		"larger than 262144 bytes":                           &holder{strings.Repeat("x", 256<<10)},
		"needed, not gobcodec_test.holder":                   holder{},
		"needed, not *gobcodec_test.holder":                  (*holder)(nil),
	} {
		data, err := gobcodec.Gob.Append([]byte("head"), v)
		require.ErrorContains(t, err, want)
		require.Regexp(t, "^gobcodec: ", err.Error())
		require.NotContains(t, err.Error(), "xyzzy")
		require.Equal(t, "head", string(data[:4]))
	}
}

func TestDecodeErrors(t *testing.T) {
	type holder struct{ V any }
	data, err := gobcodec.Gob.Append(nil, &holder{role("r")})
	require.NoError(t, err)
	unknown := bytes.Replace(data, []byte("role"), []byte("rule"), 1)
	require.ErrorContains(t, gobcodec.Gob.Decode(unknown, new(holder)), "call gob.Register")
	require.ErrorContains(t, gobcodec.Gob.Decode(append(data, 1), new(holder)), "1 bytes follow")
	require.ErrorContains(t, gobcodec.Gob.Decode(data, holder{}), "a pointer")
	require.ErrorContains(t, gobcodec.Gob.Decode(make([]byte, 256<<10+1), new(holder)), "larger than")

	data, err = gobcodec.Gob.Append(nil, &struct{ P point }{point{1, 2}})
	require.NoError(t, err)
	require.ErrorContains(t, gobcodec.Gob.Decode(data, &struct{ P role }{}), "gobcodec: P: stored as map, wanted gobcodec_test.role; see WithUpgrade")
}

// list needs a byte for each level, the fewest of all types.
type list []list

// TestDepthOfTheLargestRecord decodes the deepest value that a record may have,
// for a struct that has the field and for one that has not. encoding/gob has no
// limit of its own, and no program survives if the stack is exhausted.
func TestDepthOfTheLargestRecord(t *testing.T) {
	type has struct {
		N int
		L list
	}
	type lacks struct{ N int }
	data, err := gobcodec.Gob.Append(nil, &has{L: list{list{}}})
	require.NoError(t, err)
	id := 2 // bytes of the type's number, which depends on what ran before
	if data[len(data)-7] == 0xfe {
		id = 3
	}
	head, value := data[:len(data)-5-id], data[len(data)-4-id:]
	require.Equal(t, []byte{2, 1, 0, 0}, value[id:], "the second field, one element, none, the end")
	require.Equal(t, len(value), int(data[len(head)]))

	n := 256<<10 - len(head) - 4 // what the value may have
	size := []byte{0xfd, byte(n >> 16), byte(n >> 8), byte(n)}
	deep := slices.Concat(head, size, value[:id+1], bytes.Repeat([]byte{1}, n-id-3), []byte{0, 0})
	require.Len(t, deep, 256<<10)
	require.NoError(t, gobcodec.Gob.Decode(deep, new(has)))
	require.NoError(t, gobcodec.Gob.Decode(deep, new(lacks)))
}

func TestCheck(t *testing.T) {
	type base struct{ Created int64 }
	type half struct{ A int }
	for _, c := range []struct {
		v    any
		says string
	}{
		{tree{}, ""},
		{struct{ M map[string]*url.URL }{}, ""},
		{struct{ B base }{}, ""},
		{struct{ C chan int }{}, "C has type chan int, which no codec can carry"},
		{struct{ F []func() }{}, "F[] has type func()"},
		{struct{ A struct{ b int } }{}, "has only unexported fields"},
		{struct{ base }{}, "which embeds gobcodec_test.base, whose fields would be lost"},
		{struct{ L []oneWay }{}, "L[] has type gobcodec_test.oneWay, which has MarshalBinary but no UnmarshalBinary"},
		{struct{ M map[string][2]big.Int }{}, "M has type map[string][2]big.Int, where gob cannot call the method GobEncode of *big.Int: make it a map of pointers"},
		{struct{ G gob.GobEncoder }{}, "which gob encodes but cannot decode: use any"},
		{struct {
			time.Time
			N int
		}{}, "would be written by GobEncode of the embedded time.Time, without the field N"},
	} {
		err := gobcodec.Gob.(codec.Checker).Check(reflect.TypeOf(c.v))
		if c.says == "" {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, c.says)
			require.ErrorContains(t, err, "gobcodec: ")
		}
	}
}

type oneWay struct{ a int }

func (oneWay) MarshalBinary() ([]byte, error) { return nil, nil }
