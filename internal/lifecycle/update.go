package lifecycle

import "context"

// Update applies fn to a private copy of the session's latest version and saves that.
// It tries again until no other request has saved in between. It does not change *T:
// the next Load, or the commit, merges what it has saved.
//
// The session is not locked while fn runs, so fn may use it.
func (s *Session) Update(ctx context.Context, fn func(any) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(ctx); err != nil {
		return err
	}
	if err := s.resolve(ctx); err != nil {
		return err
	}
	release := func() {}
	defer func() { release() }()
	var limited context.Context
	for attempt := 0; ; attempt++ {
		if attempt == 1 {
			defer s.engine.takeTurn(limited, s.latest.key)()
		}
		if err := s.retry(limited, attempt); err != nil {
			return err
		}
		seen := s.latest
		value, err := s.latestValue(ctx)
		if err != nil {
			return err
		}
		before := said(value)
		if err := s.unlocked(fn, value); err != nil {
			return err
		}
		if attempt == 0 { // fn's first run is the caller's time
			limited, release = s.engine.limit(ctx)
		}
		if seen.key != s.latest.key || seen.version != s.latest.version {
			continue // another Update, or fn, has saved
		}
		if err := s.deleteDestroyed(limited); err != nil {
			return err
		}
		conflict, err := s.tryUpdate(limited, seen, value, before)
		if !conflict {
			return err
		}
	}
}

// tryUpdate saves what fn has made of the latest version. It reports a
// conflict if another request was faster.
func (s *Session) tryUpdate(ctx context.Context, seen stored, value any, before string) (conflict bool, err error) {
	e := s.engine
	scratch := e.scratch.Get().(*[]byte)
	defer e.scratch.Put(scratch)
	changed, err := e.changed(&seen.snapshot, value, scratch)
	switch {
	case err != nil:
		return false, err
	case !changed && (!seen.exists() || !s.renew && !s.remembering && !s.bind):
		return false, nil
	}
	d := draft{snapshot: s.latest.snapshot, owner: ownerToStore(&seen, before, value)}
	if changed {
		d.snapshot = e.changedTo(ctx, &s.latest, *scratch, d.owner)
	}
	conflict, err = s.swap(ctx, d)
	if !conflict && err == nil {
		s.behind = true
	}
	return conflict, err
}

func (s *Session) unlocked(fn func(any) error, value any) error {
	s.mu.Unlock()
	defer s.mu.Lock()
	return fn(value)
}
