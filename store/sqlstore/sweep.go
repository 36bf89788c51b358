package sqlstore

import (
	"context"
	"database/sql"
	"time"
)

const (
	// sweepGrace is how long Sweep leaves a session after its end. Another
	// process, whose clock is behind, may still be using it.
	sweepGrace = time.Hour

	// sweepStep is how many rows Sweep removes in one statement: few, so that
	// concurrent writes do not wait long.
	sweepStep = 200
)

// Sweep implements [store.Sweeper]. It removes sessions that expired more than
// an hour ago, at most 200 in one statement, and lets others write in between.
func (s *Store) Sweep(ctx context.Context, limit int) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, s.failed(ctx, "sweep", err)
	}
	total := 0
	for total < limit {
		step := min(limit-total, sweepStep)
		n, err := s.write(ctx, "sweep", func(x exec) (int64, error) {
			last := s.now() - sweepGrace.Milliseconds()
			return x(sweep, slot(last), last, step)
		})
		total += int(n)
		if err != nil {
			return total, err
		}
		if int(n) < step {
			break
		}
	}
	return total, nil
}

// Count implements [store.Counter]. It counts in the index, and reads only the
// rows that expire within ten minutes.
func (s *Store) Count(ctx context.Context) (int, error) {
	now := s.now()
	counts, err := query(ctx, s, count, func(rows *sql.Rows) (n int, err error) {
		return n, rows.Scan(&n)
	}, slot(now), slot(now), now)
	if err != nil {
		return 0, s.failed(ctx, "count", err)
	}
	return counts[0], nil // an aggregate has one row
}
