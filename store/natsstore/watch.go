package natsstore

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/sesame-go/sesame/store"
)

// Watch implements [store.Watcher] by a watch of NATS, for which the server
// sends the headers of each message, some 200 bytes. It calls ended for each
// save, touch and deletion, since of two that follow each other quickly the
// bucket keeps only the second. Sessions that expire are not among them.
//
// Watching ends with the connection to the server, also if the client restores
// it, and when the bucket is removed.
func (s *Store) Watch(ctx context.Context, ended func(store.Key)) (<-chan struct{}, error) {
	nc := s.js.Conn()
	lost := nc.StatusChanged(nats.RECONNECTING, nats.DISCONNECTED, nats.CLOSED)
	watching, stop := context.WithCancel(ctx)
	w, err := s.watcher(watching, stop)
	if err != nil {
		stop()
		nc.RemoveStatusListener(lost)
		return nil, s.failed(ctx, "watch", err)
	}
	done := make(chan struct{})
	go func() {
		defer func() {
			close(done)
			stop()
			nc.RemoveStatusListener(lost)
			for range w.Updates() {
				// A delivery under way would wait for its reader.
			}
		}()
		for {
			select {
			case <-watching.Done():
				return
			case <-lost:
				return
			case e, ok := <-w.Updates():
				if !ok {
					return
				}
				if k, err := store.ParseKey(strings.TrimPrefix(e.Key(), sessionKeys)); err == nil {
					ended(k)
				}
			}
		}
	}()
	return done, nil
}

// startTime is how long the server may take to start a watch.
const startTime = 10 * time.Second

// watcher starts a watch that ends with ctx. It calls stop, which ends ctx, if
// the server does not answer.
func (s *Store) watcher(ctx context.Context, stop func()) (jetstream.KeyWatcher, error) {
	kv, err := s.js.KeyValue(ctx, s.bucket)
	if err != nil {
		return nil, err
	}
	defer time.AfterFunc(startTime, stop).Stop()
	w, err := kv.Watch(ctx, sessionKeys+"*", jetstream.UpdatesOnly(), jetstream.MetaOnly())
	if errors.Is(err, context.Canceled) {
		err = nats.ErrTimeout
	}
	return w, err
}
