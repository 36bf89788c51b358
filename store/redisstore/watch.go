package redisstore

import (
	"context"
	"strings"

	"github.com/sesame-go/sesame/store"
)

// Watch implements [store.Watcher]. The scripts that delete or renew a session
// publish its key, in the same step, on the channel named by the prefix and
// "ended". With an ACL the user of the store needs publish and subscribe, and that
// channel. What the server drops by itself, by eviction or FLUSHALL, is not told.
//
// Watch subscribes on every primary, so it hears from the very node that has the
// session. A cluster also forwards messages between its nodes, so ended may be
// called several times for one session, and a node that joins the cluster later
// is heard through the others. If one of the connections is lost, or its server
// does not answer for some seconds, done is closed.
//
// It is an ordinary channel. A shard channel would reach only clients that subscribe
// on the shard of its name, and so would need one for each slot.
func (s *Store) Watch(ctx context.Context, ended func(store.Key)) (done <-chan struct{}, err error) {
	if err := ctx.Err(); err != nil {
		return nil, failed(ctx, "watch", err)
	}
	done, err = s.conn.Subscribe(ctx, s.channel(), func(key string) {
		if k, err := store.ParseKey(strings.TrimPrefix(key, s.prefix+"s:")); err == nil {
			ended(k)
		}
	})
	return done, failed(ctx, "watch", err)
}

// channel returns the channel on which the ends and renewals of sessions are
// published.
func (s *Store) channel() string { return s.prefix + "ended" }
