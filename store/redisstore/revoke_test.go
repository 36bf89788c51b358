package redisstore

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
)

// A mover renews a session as the manager does on a store that cannot.
type mover struct {
	t *testing.T
	s *Store
}

var anns = store.Record{Owner: "ann", Expires: time.Now().Add(time.Hour)}

func (m mover) enlist(k store.Key) {
	require.NoError(m.t, m.s.enlist(m.t.Context(), "ann", k, millis(anns.Expires)+reserve))
}

func (m mover) create(k store.Key) {
	_, err := m.s.Save(m.t.Context(), k, anns)
	require.NoError(m.t, err)
}

// leave is the mark and the deletion at once.
func (m mover) leave(k store.Key) { require.NoError(m.t, m.s.Delete(m.t.Context(), k)) }

// TestRevokeMoving lets a session move on while DeleteOwned looks for it, in
// each of the ways in which one look is not enough.
func TestRevokeMoving(t *testing.T) {
	c, d, e := store.Key{'c'}, store.Key{'d'}, store.Key{'e'}
	for name, way := range map[string]struct {
		listed []store.Key                             // before DeleteOwned is called
		try    func(m mover, k store.Key, attempt int) // ahead of an attempt to delete k
		page   func(m mover, n int)                    // ahead of the nth page of the index
	}{
		"too early for the new one and too late for the old one": {
			listed: []store.Key{d},
			try: func(m mover, k store.Key, attempt int) {
				if k == c && attempt == 1 {
					m.create(d)
					m.leave(c)
				}
			},
		},
		"to a key that was not listed yet": {
			try: func(m mover, k store.Key, attempt int) {
				if k == c && attempt == 1 {
					m.create(d)
					m.leave(c)
				}
			},
		},
		"twice": {
			listed: []store.Key{d},
			try: func(m mover, k store.Key, attempt int) {
				switch {
				case k == c && attempt == 1:
					m.create(d)
					m.leave(c)
				case k == d && attempt == 2:
					m.create(e)
					m.leave(d)
				}
			},
		},
		"while the index is listed": {
			page: func(m mover, n int) {
				if n == 2 {
					m.create(d)
					m.leave(c)
				}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake()
			m := mover{t, New(f)}
			m.create(c)
			for _, k := range way.listed {
				m.enlist(k)
			}
			var mu sync.Mutex
			attempts := make(map[string]int)
			count := func(what string) int {
				mu.Lock()
				defer mu.Unlock()
				attempts[what]++
				return attempts[what]
			}
			tried := make(chan struct{}) // closed when d was
			f.before = func(script, key string) {
				switch {
				case script == "page" && way.page != nil:
					way.page(m, count("page"))
				case script == "removeOwned" && way.try != nil:
					n := count(key)
					if key == m.s.key(c) && n == 1 && len(way.listed) > 0 {
						<-tried // so that it is tried before it is created
					}
					k, err := store.ParseKey(key[len("sesame:s:"):])
					assert.NoError(t, err)
					way.try(m, k, n)
				}
			}
			f.after = func(script, key string) {
				if script == "removeOwned" && key == m.s.key(d) && count("after") == 1 && len(way.listed) > 0 {
					close(tried)
				}
			}
			n, err := m.s.DeleteOwned(t.Context(), "ann")
			require.NoError(t, err)
			assert.LessOrEqual(t, n, 2)
			assert.Empty(t, f.values)
		})
	}
}
