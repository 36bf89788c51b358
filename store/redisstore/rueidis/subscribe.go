package rueidis

import (
	"context"
	"errors"
	"sync"

	"github.com/redis/rueidis"
)

// Subscribe implements [redisstore.Conn]. It takes a connection of its own to
// each primary. One that hangs is noticed by the client's pings, see
// ClientOption's Dialer.KeepAlive and ConnWriteTimeout: after eleven seconds if
// these have their defaults.
func (c *Conn) Subscribe(ctx context.Context, channel string, changed func(key string)) (<-chan struct{}, error) {
	ctx, cancel := context.WithCancel(ctx)
	var open sync.WaitGroup
	var err error
	found := false
	for _, node := range c.client.Nodes() {
		var primary bool
		if primary, err = isPrimary(ctx, node); err != nil {
			break
		}
		if !primary {
			continue
		}
		var lost <-chan error
		if lost, err = c.subscribe(ctx, node, channel, changed); err != nil {
			break
		}
		found = true
		open.Go(func() {
			defer cancel() // the first that ends ends all
			for range lost {
			}
		})
	}
	if err == nil && !found {
		err = errors.New("sesame/rueidis: the client knows no primary")
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

// subscribe subscribes on one node. The subscription ends with ctx; lost is closed
// when it has ended.
func (c *Conn) subscribe(ctx context.Context, node rueidis.Client, channel string, changed func(key string)) (lost <-chan error, err error) {
	conn, _ := node.Dedicate()
	lost = conn.SetPubSubHooks(rueidis.PubSubHooks{OnMessage: func(m rueidis.PubSubMessage) {
		if c.cache != nil {
			c.cache.write(m.Message) // the word that ends what is cached may come later
		}
		changed(m.Message)
	}})
	if err := conn.Do(ctx, conn.B().Subscribe().Channel(channel).Build()).Error(); err != nil {
		conn.Close()
		return nil, err
	}
	context.AfterFunc(ctx, conn.Close)
	return lost, nil
}
