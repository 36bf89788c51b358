package faultproxy

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDesync(t *testing.T) {
	p := newProxy(t, newServer(t))
	c := dial(t, p)
	c.answers(t, "one")
	p.Desync()
	for i, line := range []string{"two", "three", "four"} {
		got, err := c.ask(line)
		require.NoError(t, err)
		require.Equal(t, []string{"one", "two", "three"}[i], got)
		c.silent(t)
	}
	dial(t, p).answers(t, "new ones are sound")
	p.Heal()
	_, err := c.receive()
	require.Error(t, err)
	dial(t, p).answers(t, "five")
}

func TestDesyncAcross(t *testing.T) {
	p := newProxy(t, newServer(t))
	a, b := dial(t, p), dial(t, p)
	a.answers(t, "of a")
	b.answers(t, "of b")
	p.DesyncAcross()
	got, err := a.ask("two")
	require.NoError(t, err)
	require.Equal(t, "of b", got)
	got, err = b.ask("three")
	require.NoError(t, err)
	require.Equal(t, "two", got)
}

// A connection that was not used during a Desync works afterwards.
func TestDesyncUnused(t *testing.T) {
	p := newProxy(t, newServer(t))
	c := dial(t, p)
	c.answers(t, "one")
	p.Desync()
	p.Heal()
	c.answers(t, "two")
	c.answers(t, "three")
}

// Desync shifts complete replies, in whatever pieces they arrive, and a pushed
// message is not a reply.
func TestDesyncPieces(t *testing.T) {
	p := &Proxy{links: make(map[*link]bool), changed: make(chan struct{})}
	l := &link{proxy: p}
	p.links[l] = true
	replies := []string{
		"+OK\r\n", "$5\r\na\r\nbc\r\n", "*2\r\n$-1\r\n*1\r\n:7\r\n", "%1\r\n+a\r\n~2\r\n_\r\n#t\r\n", "-ERR x\r\n", "*0\r\n", "$0\r\n\r\n", "*-1\r\n",
	}
	push := ">2\r\n+invalidate\r\n*1\r\n$1\r\nk\r\n"
	var said, passed strings.Builder
	feed := func(s string) {
		for i := range len(s) {
			said.WriteString(s[i : i+1])
			passed.Write(l.shift([]byte(s[i : i+1])))
		}
	}
	for _, r := range replies {
		feed(r)
	}
	require.Equal(t, said.String(), passed.String())
	feed("$3\r\nab")
	p.Desync() // in the middle of a reply
	feed("c\r\n")
	require.Equal(t, said.String(), passed.String())

	passed.Reset()
	feed(strings.Join(replies, push))
	shifted := append([]string{"$3\r\nabc\r\n"}, replies[:len(replies)-1]...)
	require.Equal(t, strings.Join(shifted, push), passed.String())
}

// Bytes that are not RESP pass unchanged and without delay.
func TestDesyncOtherProtocols(t *testing.T) {
	for _, hello := range []string{"R\x00\x00\x00\x08", "J\x00\x00\x00\x0a5.5.5", "$abc\r\n", "*12345678901", "%\x00" + strings.Repeat("x", 40), "$1x\r\n"} {
		p := &Proxy{links: make(map[*link]bool), changed: make(chan struct{})}
		l := &link{proxy: p}
		p.links[l] = true
		p.Desync()
		require.Equal(t, hello, string(l.shift([]byte(hello))), "%q", hello)
		require.Equal(t, "more", string(l.shift([]byte("more"))))
	}
}

func Example() {
	listener, err := net.Listen("tcp", "127.0.0.1:0") // the real server
	if err != nil {
		panic(err)
	}
	defer listener.Close()
	p, err := New(listener.Addr().String())
	if err != nil {
		panic(err)
	}
	defer p.Close()
	p.Refuse()
	if c, err := net.Dial("tcp", p.Addr()); err == nil {
		_, err = c.Read(make([]byte, 1))
		fmt.Println("reset:", err != nil)
	} else {
		fmt.Println("reset:", true)
	}
	// Output: reset: true
}
