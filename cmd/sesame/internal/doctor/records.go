package doctor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sesame-go/sesame/cmd/sesame/internal/terminal"
	"github.com/sesame-go/sesame/cmd/sesame/internal/tree"
	"github.com/sesame-go/sesame/internal/envelope"
	"github.com/sesame-go/sesame/store"
)

const (
	workers  = 16
	examples = 5   // of what is wrong
	sample   = 500 // owned sessions that the index is checked for, unless for all
)

// A census is what the records say.
type census struct {
	mu       sync.Mutex
	read     int
	kinds    map[string]int // codec and version
	damaged  trouble        // the store cannot read them
	header   trouble        // sesame cannot
	newer    trouble        // a later sesame could
	payload  trouble        // the codec cannot
	opaque   int            // only the program can
	ahead    int            // used in the future
	furthest time.Duration
	owned    []store.Entry // without data
	owners   int
}

// trouble is some records with one kind of fault.
type trouble struct {
	n    int
	some []string
}

func (t *trouble) add(k store.Key, err error) {
	if t.n++; len(t.some) < examples {
		t.some = append(t.some, fmt.Sprintf("%s: %v", k, err))
	}
}

// records reads all sessions once.
func (p *Patient) records(ctx context.Context) error {
	c := &census{kinds: make(map[string]int)}
	if err := p.walk(ctx, c); err != nil {
		return err
	}
	p.tell(c)
	return p.index(ctx, c)
}

// walk reads every record. Where the store would leave damaged ones out of a list
// it reads by the keys that the engine has.
func (p *Patient) walk(ctx context.Context, c *census) error {
	keys := p.Engine.Keys(ctx)
	if keys == nil {
		lister, ok := store.Capability[store.Lister](p.Store)
		if !ok {
			return errors.New("the store cannot list its sessions")
		}
		for e, err := range lister.All(ctx) {
			if errors.Is(err, store.ErrCorrupt) {
				c.damaged.n++
				c.damaged.some = append(c.damaged.some, err.Error())
				break
			}
			if err != nil {
				return err
			}
			c.count(e, p.All)
			p.Done()
		}
		if n := p.Skips(); n > 0 {
			c.damaged.n += n
			c.damaged.some = append(c.damaged.some, "the warnings on stderr name the files")
		}
		return nil
	}
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for k, err := range keys {
		if err != nil {
			_ = group.Wait()
			return err
		}
		if within.Err() != nil {
			break
		}
		group.Go(func() error {
			r, err := p.Store.Load(within, k)
			switch {
			case errors.Is(err, store.ErrNotFound): // it has ended
			case errors.Is(err, store.ErrCorrupt):
				c.mu.Lock()
				c.damaged.add(k, err)
				c.mu.Unlock()
			case err != nil:
				return err
			default:
				c.count(store.Entry{Key: k, Record: r}, p.All)
			}
			p.Done()
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

// count notes what one record says.
func (c *census) count(e store.Entry, all bool) {
	h, payload, _, err := envelope.Open(e.Data)
	var decoding error
	if err == nil {
		_, decoding = tree.Decode(h.Codec, payload)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.Owner != "" {
		c.keep(e, all)
	}
	switch {
	case errors.Is(err, envelope.ErrNewer):
		c.newer.add(e.Key, err)
		return
	case err != nil:
		c.header.add(e.Key, err)
		return
	case errors.Is(decoding, tree.ErrOpaque):
		c.opaque++
	case decoding != nil:
		c.payload.add(e.Key, decoding)
		return
	}
	c.read++
	c.kinds[fmt.Sprintf("%s version %d", tree.CodecName(h.Codec), h.Schema)]++
	used := h.Renewed
	if h.Idle > 0 {
		used = e.Expires.Add(-h.Idle)
	}
	if ahead := time.Until(used); ahead > skewNote {
		c.ahead++
		c.furthest = max(c.furthest, ahead)
	}
}

// keep keeps an owned session for the check of the index, or a fair sample of
// them.
func (c *census) keep(e store.Entry, all bool) {
	e.Data = nil
	c.owners++
	if all || len(c.owned) < sample {
		c.owned = append(c.owned, e)
	} else if i := rand.IntN(c.owners); i < sample {
		c.owned[i] = e
	}
}

func (p *Patient) tell(c *census) {
	fault := func(t *trouble, check, cure, what string) {
		if t.n > 0 {
			p.add(Problem, check, cure, "%s %s\n%s", terminal.Count(t.n, "record"), what, strings.Join(t.some, "\n"))
		}
	}
	fault(&c.damaged, "damage", "end them: sesame … revoke ID (the user logs in again); then look at the disk, and at what else writes there", "that the store cannot read:")
	fault(&c.header, "format", "end them: sesame … revoke ID; see what else writes there", "without a header of sesame:")
	fault(&c.newer, "newer", "finish the deployment, or update this tool; if package sealed encrypts the sessions set SESAME_SEALED_KEYS",
		"of a later version of sesame, or encrypted:")
	fault(&c.payload, "payload", "end them: sesame … revoke ID; the program treats their requests as anonymous", "that the codec cannot decode:")

	var kinds []string
	for _, kind := range slices.Sorted(maps.Keys(c.kinds)) {
		kinds = append(kinds, terminal.Number(c.kinds[kind])+" "+kind)
	}
	text := terminal.Count(c.read, "session") + " read"
	if len(kinds) > 0 {
		text += ": " + strings.Join(kinds, ", ")
	}
	if c.opaque > 0 {
		text += fmt.Sprintf("; of %s only the header, since the program alone can decode the rest", terminal.Number(c.opaque))
	}
	p.add(OK, "records", "", "%s", text)
	if c.ahead > 0 {
		level := Note
		if c.furthest > skewProblem {
			level = Problem
		}
		p.add(level, "programs' clocks", skewCure, "%s used in the future, by up to %v: the clock of a program is ahead of this machine's, or this one's is behind",
			terminal.Count(c.ahead, "session"), c.furthest.Round(time.Second))
	}
}

// index looks whether sessions are found by their owner. One that is not would
// survive RevokeOwner.
func (p *Patient) index(ctx context.Context, c *census) error {
	index, ok := store.Capability[store.OwnerIndex](p.Store)
	if !ok || len(c.owned) == 0 {
		return nil
	}
	byOwner := make(map[string][]store.Key)
	for _, e := range c.owned {
		byOwner[e.Owner] = append(byOwner[e.Owner], e.Key)
	}
	var mu sync.Mutex
	var missing trouble
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for owner, keys := range byOwner {
		group.Go(func() error {
			lost, err := p.unlisted(within, index, owner, keys)
			mu.Lock()
			defer mu.Unlock()
			for _, k := range lost {
				missing.add(k, fmt.Errorf("of %s", terminal.Text(owner)))
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	checked := fmt.Sprintf("%s of %s with an owner", terminal.Number(len(c.owned)), terminal.Number(c.owners))
	if missing.n == 0 {
		p.add(OK, "index", "", "finds %s", checked)
		return nil
	}
	cure := "end these sessions by their IDs: sesame … revoke ID; the user logs in again"
	if len(c.owned) < c.owners {
		cure += "; --all checks every session"
	}
	p.add(Problem, "index", cure, "does not find %s of %s, which RevokeOwner would leave alone:\n%s",
		terminal.Number(missing.n), checked, strings.Join(missing.some, "\n"))
	return nil
}

// unlisted returns those keys that the index does not have, although the records
// are still there and the owner's.
func (p *Patient) unlisted(ctx context.Context, index store.OwnerIndex, owner string, keys []store.Key) (lost []store.Key, err error) {
	left := make(map[store.Key]bool, len(keys))
	for _, k := range keys {
		left[k] = true
	}
	for e, err := range index.Owned(ctx, owner) {
		if errors.Is(err, store.ErrCorrupt) {
			break
		}
		if err != nil {
			return nil, err
		}
		if delete(left, e.Key); len(left) == 0 {
			return nil, nil
		}
	}
	for k := range left {
		r, err := p.Store.Load(ctx, k)
		switch {
		case err == nil && r.Owner == owner:
			lost = append(lost, k)
		case err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrCorrupt):
			return nil, err
		}
	}
	return lost, nil
}
