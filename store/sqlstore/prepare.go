package sqlstore

import (
	"context"
	"database/sql"
	"errors"
)

// prepared are the statements of a store, ready for use on any connection of
// the pool.
type prepared [statementCount]*sql.Stmt

// statements returns the prepared statements. The first call prepares them all;
// if that fails, for want of the table for instance, the next one tries again.
// No lock is held meanwhile, so that nobody waits longer than its context
// allows.
func (s *Store) statements(ctx context.Context) (*prepared, error) {
	s.mu.RLock()
	p, closed := s.prepared, s.closed
	s.mu.RUnlock()
	if closed {
		return nil, errClosed
	}
	if p != nil {
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
