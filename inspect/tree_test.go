package inspect

import (
	"fmt"
	"math/big"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const hidden = "correct horse battery staple"

type vault struct {
	Name string
	Code string `sesame:"secret"`
}

// telling would tell its secret by a method of its own.
type telling struct {
	Code string `sesame:"secret"`
}

func (t telling) String() string               { return t.Code }
func (t telling) MarshalText() ([]byte, error) { return []byte(t.Code), nil }

type wrapping struct{ Inner telling }

func (w *wrapping) MarshalText() ([]byte, error) { return []byte(w.Inner.Code), nil }

type level int

func (l level) String() string { return [...]string{"low", "high"}[l] }

type secrets struct {
	Direct   string `sesame:"secret"`
	Both     int    `sesame:"sum,secret"`
	Struct   vault
	Pointer  *vault
	Twice    **vault
	Slice    []vault
	Array    [1]vault
	Map      map[string]vault
	Pointers map[string]*vault
	Keys     map[vault]bool
	Any      any
	Anys     []any
	Whole    vault    `sesame:"secret"`
	Strings  []string `sesame:"secret"`
	Telling  telling
	Tellings []telling
	Wrapping wrapping
	Deep     map[string][]map[int]*vault
	vault
}

// A secret is hidden wherever it is, also in the line that stands for what is
// folded.
func TestSecretsAreHiddenAtEveryLevel(t *testing.T) {
	v := vault{"savings", hidden}
	p := &v
	n := tree(&secrets{
		Direct: hidden, Both: 424242, Struct: v, Pointer: p, Twice: &p, Slice: []vault{v}, Array: [1]vault{v},
		Map: map[string]vault{"a": v}, Pointers: map[string]*vault{"a": p}, Keys: map[vault]bool{v: true},
		Any: v, Anys: []any{p, map[string]any{"a": v}}, Whole: v, Strings: []string{hidden},
		Telling: telling{hidden}, Tellings: []telling{{hidden}}, Wrapping: wrapping{telling{hidden}},
		Deep: map[string][]map[int]*vault{"a": {{1: p}}}, vault: v,
	})
	all := everything(n)
	require.NotContains(t, all, "horse")
	require.NotContains(t, all, "424242")
	require.Equal(t, 13, strings.Count(all, "savings"), all)
	require.Greater(t, strings.Count(all, "•••••"), 20, all)
}

// everything is what a page could show of a node.
func everything(n node) string {
	if n.Secret {
		return n.Name + " •••••\n"
	}
	var b strings.Builder
	fmt.Fprintln(&b, n.Name, n.Type, n.Text, n.Count)
	for _, c := range n.Children {
		b.WriteString(everything(c))
		b.WriteString(strings.ReplaceAll(c.Preview(), "savings", ""))
	}
	return b.String()
}

func TestValuesAreShownAsTheyAre(t *testing.T) {
	type session struct {
		Text     string
		Role     level
		Bad      level // whose String panics
		At       time.Time
		Never    time.Time
		For      time.Duration
		Address  netip.Addr
		Amount   *big.Int
		Bytes    []byte
		None     *vault
		Nothing  any
		Float    float32
		Pair     map[string]int
		Numbers  map[int]string
		Empty    []string
		private  int
		Embedded struct{}
	}
	at := time.Date(2026, 11, 29, 14, 30, 0, 0, time.UTC)
	n := tree(&session{
		Text: "a\n\"b\"", Role: 1, Bad: 7, At: at, For: 90 * time.Second, Address: netip.MustParseAddr("10.0.0.1"), Amount: big.NewInt(1 << 40),
		Bytes: []byte{1, 0xfe}, Float: 0.1, Pair: map[string]int{"b": 2, "a": 1}, Numbers: map[int]string{10: "x", 9: "y"}, private: 1,
	})
	got := map[string]string{}
	for _, c := range n.Children {
		got[c.Name] = c.Text + c.Count
	}
	require.Equal(t, map[string]string{
		"Text": `"a\n\"b\""`, "Role": "high (1)", "Bad": "7", "At": "", "Never": "zero", "For": "1m30s", "Address": "10.0.0.1", "Amount": "1099511627776",
		"Bytes": "2 bytes 01fe", "None": "nil", "Nothing": "nil", "Float": "0.1", "Pair": "2 entries", "Numbers": "2 entries", "Empty": "0 elements", "Embedded": "{}",
	}, got)
	require.Equal(t, at, n.Children[3].Time)
	pair, numbers := n.Children[12].Children, n.Children[13].Children
	require.Equal(t, `"a"`, pair[0].Name)
	require.Equal(t, "9", numbers[0].Name, "numbers in their own order")
}

// However large a session is, or deep, its tree is not.
func TestTreesAreBounded(t *testing.T) {
	type link struct{ Next *link }
	round := &link{}
	round.Next = round
	type session struct {
		Flags []bool
		Lists [][]int
		Long  string
		Round *link
	}
	s := &session{Flags: make([]bool, 100_000), Long: strings.Repeat("x", 100_000), Round: round}
	for range 300 {
		s.Lists = append(s.Lists, make([]int, 300))
	}
	n := tree(s)
	nodes := 0
	var walk func(node)
	walk = func(n node) {
		nodes++
		for _, c := range n.Children {
			walk(c)
		}
	}
	walk(n)
	require.LessOrEqual(t, nodes, 4*maxNodes+1)
	require.Equal(t, 100_000-maxChildren, n.Children[0].More)
	require.Less(t, len(n.Children[2].Text), maxText+100)
	require.Contains(t, n.Children[2].Text, "(100000 bytes)")
}
