package redistest

import (
	"bufio"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/redisstore"
	"github.com/sesame-go/sesame/store/redisstore/goredis"
	sesamerueidis "github.com/sesame-go/sesame/store/redisstore/rueidis"
)

// TestSentOnce sees that a script which writes is not sent again when the
// connection is cut before the reply, and that what only reads is.
func TestSentOnce(t *testing.T) {
	for _, client := range []struct {
		name, hello string // what the server says to the command HELLO
		connect     func(t *testing.T, addr string) redisstore.Conn
	}{
		{"goredis", "-ERR unknown command", func(t *testing.T, addr string) redisstore.Conn {
			client := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: 3, MinRetryBackoff: time.Millisecond})
			t.Cleanup(func() { _ = client.Close() })
			return goredis.New(client)
		}},
		{"rueidis", "+OK", func(t *testing.T, addr string) redisstore.Conn {
			client, err := rueidis.NewClient(rueidis.ClientOption{
				InitAddress: []string{addr}, AlwaysRESP2: true, DisableCache: true, ForceSingleClient: true,
				RetryDelay: func(attempts int, _ rueidis.Completed, _ error) time.Duration {
					if attempts > 3 {
						return -1
					}
					return time.Millisecond
				},
			})
			require.NoError(t, err)
			t.Cleanup(client.Close)
			return sesamerueidis.New(client)
		}},
	} {
		t.Run(client.name, func(t *testing.T) {
			address, sent := cutter(t, client.hello)
			conn := client.connect(t, address)
			s := redisstore.New(conn)
			require.Error(t, s.Delete(t.Context(), store.Key{}))
			require.EqualValues(t, 1, sent.Swap(0))
			two := make([]redisstore.Call, 2)
			for i := range two {
				two[i] = redisstore.Call{Command: "EVALSHA", Script: "x", Key: "k", Writes: true}
			}
			for _, reply := range conn.Run(t.Context(), two...) {
				require.Error(t, reply.Err)
			}
			require.EqualValues(t, 1, sent.Swap(0), "the connection is cut at the first")
			_, err := s.Save(t.Context(), store.Key{}, store.Record{})
			require.Error(t, err)
			require.EqualValues(t, 1, sent.Swap(0))
			require.Error(t, s.Ping(t.Context()))
			require.EqualValues(t, 4, sent.Swap(0))
		})
	}
}

// cutter starts a server that hangs up when it is sent a script, and counts
// how often that happens.
func cutter(t *testing.T, hello string) (address string, sent *atomic.Int32) {
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
			go cut(conn, hello, sent)
		}
	}()
	return l.Addr().String(), sent
}

// cut serves one connection. It says OK to the other commands with which a client
// begins.
func cut(conn net.Conn, hello string, sent *atomic.Int32) {
	defer conn.Close()
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		switch line := strings.ToUpper(lines.Text()); line {
		case "EVALSHA", "EVAL":
			sent.Add(1)
			return
		case "HELLO":
			_, _ = conn.Write([]byte(hello + "\r\n"))
		case "CLIENT", "PING":
			_, _ = conn.Write([]byte("+OK\r\n"))
		}
	}
}
