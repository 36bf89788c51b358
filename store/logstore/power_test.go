package logstore

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
)

// TestPowerLoss takes the power at a random call to the file system, many
// times over one log and with compactions at every opportunity, and sees that
// everything that had to be durable is there.
func TestPowerLoss(t *testing.T) {
	for _, mode := range []struct {
		name string
		sync Sync
	}{{"always", Always}, {"interval", Interval(time.Millisecond)}, {"never", Never}} {
		t.Run(mode.name, func(t *testing.T) {
			t.Parallel()
			compactions, cuts := 0, 0
			for log := range uint64(2) {
				c, d := powerLosses(t, log, mode.sync)
				compactions += c
				cuts += d
			}
			t.Logf("%d compactions, %d times damage", compactions, cuts)
			assert.NotZero(t, compactions)
			if mode.sync != Always {
				assert.NotZero(t, cuts)
			}
		})
	}
}

func powerLosses(t *testing.T, seed uint64, mode Sync) (compactions, damaged int) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	sim := newSimulation()
	var users []*user
	for i := range 5 {
		users = append(users, newUser(i, seed, mode != Always))
	}
	conf := newConfig([]Option{WithSync(mode), WithCompactFrom(0), quiet})
	for round := range 40 {
		trace := fmt.Sprintf("log %d, round %d", seed, round)
		size := 0
		if f := sim.names["log"]; f != nil {
			size = len(f.data)
		}
		s, err := open(sim, "log", conf)
		require.NoError(t, err, trace)
		for _, d := range s.Recovery().Damage {
			require.LessOrEqual(t, d.Offset+d.Bytes, int64(size), "%s: the note said more than there was", trace)
		}
		if len(s.Recovery().Damage) > 0 {
			damaged++
		}
		once(t, s)
		for _, u := range users {
			u.check(t, s)
		}
		v, err := s.Save(t.Context(), store.Key{255}, store.Record{Expires: time.Now()})
		require.NoError(t, err)
		for _, u := range users {
			require.Greater(t, v, u.version, "a version was used before")
		}

		sim.mu.Lock()
		sim.fault = powerOff(sim.calls + 1 + rnd.IntN(300))
		sim.mu.Unlock()
		var wg sync.WaitGroup
		for _, u := range users {
			wg.Go(func() {
				for range 2000 {
					if err := u.step(t.Context(), s); err != nil {
						assert.True(t, isPower(err), err)
						return
					}
				}
			})
		}
		wg.Wait()
		s.Close()
		compactions += sim.renames
		sim = sim.afterPowerLoss(rnd)
	}
	return compactions, damaged
}
