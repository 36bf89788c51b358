package rueidis_test

import (
	"bufio"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// cutter starts a server that hangs up when it is sent a script, and counts
// how often that happens.
func cutter(t *testing.T) (address string, sent *atomic.Int32) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	sent = new(atomic.Int32)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go cut(conn, sent)
		}
	}()
	return l.Addr().String(), sent
}

// cut serves one connection. It says OK to whatever the client begins with.
func cut(conn net.Conn, sent *atomic.Int32) {
	defer conn.Close()
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		switch line := strings.ToUpper(lines.Text()); line {
		case "EVALSHA", "EVAL":
			sent.Add(1)
			return
		case "HELLO", "CLIENT", "PING":
			if _, err := conn.Write([]byte("+OK\r\n")); err != nil {
				return
			}
		}
	}
}
