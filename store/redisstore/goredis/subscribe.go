package goredis

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// beat is how often a subscription asks its server for a sign of life. If none
// has come by the next time the connection is taken for lost.
const beat = 3 * time.Second

// Subscribe implements [redisstore.Conn]. It has two goroutines for each
// primary.
func (c *Conn) Subscribe(ctx context.Context, channel string, changed func(key string)) (<-chan struct{}, error) {
	nodes, err := c.primaries(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	var open sync.WaitGroup
	for _, node := range nodes {
		var s *subscription
		if s, err = subscribe(ctx, node, channel); err != nil {
			break
		}
		go s.listen(changed)
		open.Go(func() {
			defer cancel() // the first that ends ends all
			s.watch(ctx)
		})
	}
	if err != nil {
		cancel()
		return nil, err
	}
	done := make(chan struct{})
	go func() {
		open.Wait()
		cancel()
		close(done)
	}()
	return done, nil
}

// subscription is one connection that is subscribed to a channel.
type subscription struct {
	*redis.PubSub
	silent atomic.Bool   // nothing has come since the last beat
	over   chan struct{} // closed when nothing more will come
}

// subscribe returns once the server has confirmed the subscription, which then
// ends with ctx.
func subscribe(ctx context.Context, node redis.UniversalClient, channel string) (*subscription, error) {
	s := &subscription{over: make(chan struct{})}
	first, cancel := context.WithTimeout(ctx, 2*beat)
	defer cancel()
	err := guard(func() error {
		s.PubSub = node.Subscribe(first, channel)
		defer context.AfterFunc(first, s.end)()
		answer, err := s.Receive(first)
		if _, ok := answer.(*redis.Subscription); err == nil && !ok {
			err = errors.New("sesame/goredis: the server has not confirmed the subscription")
		}
		return err
	})
	if err != nil {
		if s.PubSub != nil {
			s.end()
		}
		return nil, err
	}
	context.AfterFunc(ctx, s.end)
	return s, nil
}

func (s *subscription) end() { _ = s.Close() }

// listen passes messages on until the subscription ends. go-redis subscribes
// again when it has lost a connection. A second confirmation shows that, and
// messages may be missing.
func (s *subscription) listen(changed func(key string)) {
	defer close(s.over)
	for {
		var heard any
		err := guard(func() (err error) {
			heard, err = s.Receive(context.Background())
			return err
		})
		if err != nil {
			return
		}
		s.silent.Store(false)
		switch heard := heard.(type) {
		case *redis.Subscription:
			return
		case *redis.Message:
			changed(heard.Payload)
		}
	}
}

// watch returns when the subscription has ended or its server does not answer.
// It does not wait for go-redis, which may be busy with dialling again.
func (s *subscription) watch(ctx context.Context) {
	next := time.NewTicker(beat)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.over:
			return
		case <-next.C:
		}
		if s.silent.Swap(true) {
			return
		}
		go func() { _ = guard(func() error { return s.Ping(ctx) }) }()
	}
}
