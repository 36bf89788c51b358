package sqlstore

import (
	"context"
	"database/sql"
	"errors"
)

// prepared are the statements of a store, ready for use on any connection of
// the pool.
type prepared [statementCount]*sql.Stmt

// query runs a statement that selects.
func (s *Store) query(ctx context.Context, st statement, args ...any) (*sql.Rows, error) {
	p, err := s.statements(ctx)
	switch {
	case err != nil:
		return nil, err
	case p == nil:
		return s.db.QueryContext(ctx, s.texts[st], args...)
	}
	return p[st].QueryContext(ctx, args...)
}

// exec runs a statement that changes rows.
func (s *Store) exec(ctx context.Context, st statement, args ...any) (sql.Result, error) {
	p, err := s.statements(ctx)
	switch {
	case err != nil:
		return nil, err
	case p == nil:
		return s.db.ExecContext(ctx, s.texts[st], args...)
	}
	return p[st].ExecContext(ctx, args...)
}

// statements returns the prepared statements, or nil with [WithoutPrepare]. The
// first call prepares them all; if that fails, because the table is missing for
// instance, the next call tries again. It holds no lock while it prepares, so
// that no call waits longer than its context allows.
func (s *Store) statements(ctx context.Context) (*prepared, error) {
	s.mu.RLock()
	p, closed := s.prepared, s.closed
	s.mu.RUnlock()
	if closed {
		return nil, errClosed
	}
	if p != nil || s.unprepared && !s.dialect.embedded {
		return p, nil
	}

	p = new(prepared)
	for i, text := range s.texts {
		if text == "" {
			continue // this dialect does without
		}
		var err error
		if p[i], err = s.db.PrepareContext(ctx, text); err != nil {
			_ = p.close()
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		_ = p.close()
		return nil, errClosed
	case s.prepared != nil: // another call was faster
		_ = p.close()
	default:
		s.prepared = p
	}
	return s.prepared, nil
}

func (p *prepared) close() error {
	var errs []error
	for _, stmt := range p {
		if stmt != nil {
			errs = append(errs, stmt.Close())
		}
	}
	return errors.Join(errs...)
}
