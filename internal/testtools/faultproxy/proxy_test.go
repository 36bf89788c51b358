package faultproxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A server records each line that it gets, and answers with a RESP status that
// repeats it.
type server struct {
	addr string
	mu   sync.Mutex
	told []string
	news chan string
}

func newServer(t *testing.T) *server {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &server{addr: listener.Addr().String(), news: make(chan string, 100)}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer c.Close()
				for lines := bufio.NewScanner(c); lines.Scan(); {
					s.note(lines.Text())
					if _, err := fmt.Fprintf(c, "+%s\r\n", lines.Text()); err != nil {
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() { listener.Close(); running.Wait() })
	return s
}

func (s *server) note(line string) {
	s.mu.Lock()
	s.told = append(s.told, line)
	s.mu.Unlock()
	s.news <- line
}

func (s *server) heard() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.told, " ")
}

func newProxy(t *testing.T, s *server) *Proxy {
	p, err := New(s.addr)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p
}

// A client asks the server through the proxy.
type client struct {
	net.Conn
	in *bufio.Reader
}

func dial(t *testing.T, p *Proxy) *client {
	c, err := net.Dial("tcp", p.Addr())
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return &client{c, bufio.NewReader(c)}
}

func (c *client) send(line string) error {
	_, err := io.WriteString(c, line+"\n")
	return err
}

func (c *client) receive() (string, error) {
	line, err := c.in.ReadString('\n')
	return strings.Trim(line, "+\r\n"), err
}

func (c *client) ask(line string) (string, error) {
	if err := c.send(line); err != nil {
		return "", err
	}
	return c.receive()
}

// silent checks that no answer comes for a while.
func (c *client) silent(t *testing.T) {
	t.Helper()
	require.NoError(t, c.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	line, err := c.receive()
	require.ErrorContains(t, err, "timeout", "it heard %q", line)
	require.NoError(t, c.SetReadDeadline(time.Time{}))
}

// answers checks that the client gets an answer.
func (c *client) answers(t *testing.T, line string) {
	t.Helper()
	got, err := c.ask(line)
	require.NoError(t, err)
	require.Equal(t, line, got)
}

func TestForwards(t *testing.T) {
	s := newServer(t)
	p := newProxy(t, s)
	a, b := dial(t, p), dial(t, p)
	for _, line := range []string{"one", "two", strings.Repeat("long ", 10_000)} {
		a.answers(t, line)
		b.answers(t, line)
	}
	require.NoError(t, p.Close())
	_, err := a.ask("three")
	require.Error(t, err)
	require.NoError(t, p.Close())
}

func TestServerAbsent(t *testing.T) {
	p := newProxy(t, &server{addr: "127.0.0.1:1"})
	refused(t, p)
}

// refused checks that a new connection is reset.
func refused(t *testing.T, p *Proxy) {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr())
	if err == nil {
		_, err = c.Read(make([]byte, 1))
		c.Close()
	}
	require.Error(t, err)
}

func TestTraffic(t *testing.T) {
	p := newProxy(t, newServer(t))
	a := dial(t, p)
	a.answers(t, "one")
	before := p.Traffic()
	require.Equal(t, Traffic{Connections: 1, RoundTrips: 1, ToServer: 4, ToClient: 6}, before)
	a.answers(t, "two")
	_, err := a.ask("three\nfour") // two requests in one piece
	require.NoError(t, err)
	_, err = a.receive()
	require.NoError(t, err)
	dial(t, p).answers(t, "five")
	require.Equal(t, Traffic{Connections: 1, RoundTrips: 3, ToServer: 4 + 11 + 5, ToClient: 6 + 8 + 7 + 7}, p.Traffic().Sub(before))
}

func TestDelay(t *testing.T) {
	p := newProxy(t, newServer(t))
	c := dial(t, p)
	c.answers(t, "one")
	p.Delay(30 * time.Millisecond)
	began := time.Now()
	c.answers(t, "two")
	require.GreaterOrEqual(t, time.Since(began), 60*time.Millisecond)

	p.Delay(time.Hour)
	require.NoError(t, c.send("three"))
	c.silent(t)
	p.Heal()
	line, err := c.receive()
	require.NoError(t, err)
	require.Equal(t, "three", line)
}

func TestDelayRequests(t *testing.T) {
	p := newProxy(t, newServer(t))
	c := dial(t, p)
	p.DelayRequests("Set", time.Hour)
	c.answers(t, "get 1")
	require.NoError(t, c.send("SET 2"))
	c.silent(t)
	p.DelayRequests("set", 60*time.Millisecond)
	line, err := c.receive()
	require.NoError(t, err)
	require.Equal(t, "SET 2", line)
	began := time.Now()
	c.answers(t, "set 3")
	require.GreaterOrEqual(t, time.Since(began), 60*time.Millisecond)
	p.Heal()
	p.DelayRequests("get", time.Hour)
	c.answers(t, "set 4")
}

func TestCut(t *testing.T) {
	p := newProxy(t, newServer(t))
	c := dial(t, p)
	c.answers(t, "one")
	p.Cut()
	_, err := c.receive()
	require.Error(t, err)
	dial(t, p).answers(t, "two")
}

func TestRefuse(t *testing.T) {
	p := newProxy(t, newServer(t))
	old := dial(t, p)
	old.answers(t, "one")
	p.Refuse()
	refused(t, p)
	old.answers(t, "two")
	require.Equal(t, 1, p.Traffic().Connections)
	p.Heal()
	dial(t, p).answers(t, "three")
}

// passes waits until a condition is true.
func passes(t *testing.T, done func() bool) {
	t.Helper()
	require.Eventually(t, done, 10*time.Second, time.Millisecond)
}

func TestBlackHole(t *testing.T) {
	s := newServer(t)
	p := newProxy(t, s)
	old, spared := dial(t, p), dial(t, p)
	old.answers(t, "one")
	spared.answers(t, "one")
	<-s.news
	<-s.news

	p.BlackHole(ToClient)
	fresh := dial(t, p) // new ones are accepted
	require.NoError(t, fresh.send("two"))
	require.Equal(t, "two", <-s.news, "requests arrive")
	passes(t, func() bool { return p.Traffic().ToClient == 3*6 }) // before the next fault
	fresh.silent(t)

	p.BlackHole(ToServer)
	require.NoError(t, old.send("three"))
	passes(t, func() bool { return p.Traffic().ToServer == 3*4+6 })
	old.silent(t)
	require.Equal(t, "one one two", s.heard())

	p.Heal()
	_, err := old.receive()
	require.Error(t, err, "it has lost a request, so it is cut")
	_, err = fresh.receive()
	require.Error(t, err, "it has lost a reply, so it is cut")
	spared.answers(t, "four")
	dial(t, p).answers(t, "five")
}

func TestStall(t *testing.T) {
	s := newServer(t)
	p := newProxy(t, s)
	c := dial(t, p)
	c.answers(t, "one")
	<-s.news
	p.Stall(ToServer)
	require.NoError(t, c.send("two"))
	c.silent(t)
	require.Equal(t, "one", s.heard())
	c.Close() // the client has given up
	p.Heal()
	require.Equal(t, "two", <-s.news)
}

func TestCutAfter(t *testing.T) {
	s := newServer(t)
	p := newProxy(t, s)
	c := dial(t, p)
	c.answers(t, "one")
	<-s.news
	spent := p.CutAfter(ToClient, 8)
	c.answers(t, "two") // 6 bytes
	<-s.news
	select {
	case <-spent:
		t.Fatal("too early")
	default:
	}
	_, err := c.ask("three")
	require.Error(t, err)
	<-spent
	require.Equal(t, "three", <-s.news, "its effect is there")

	spent = p.CutAfter(ToServer, 0)
	c = dial(t, p)
	_, err = c.ask("four")
	require.Error(t, err)
	<-spent
	dial(t, p).answers(t, "five")
	require.Equal(t, "one two three five", s.heard())
}
