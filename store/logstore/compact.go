package logstore

import (
	"context"
	"fmt"

	"github.com/sesame-go/sesame/internal/records"
)

// A compaction writes all live records to a new file while the writer goes on with
// the old one. It then copies what the old one has got since, until little is left,
// and hands over to the writer, which copies that and changes files.
//
// Some frames that it copies are older than the records that it has written before
// them. Their versions tell, see [Store.replay].
type compaction struct {
	s      *Store
	cancel context.CancelFunc
	err    error

	old  file
	from int64 // up to where the old file was copied

	file   file
	header []byte
	end    int64 // of the new file
}

const (
	// compactChunk is how much a compaction writes at once, and compactSync
	// after how much it syncs: the writer's own syncs may have to wait for it.
	compactChunk = 256 << 10
	compactSync  = 4 << 20

	// handOver is how much may be left for the writer to copy, and rounds how
	// often the compaction tries to get there.
	handOver = 64 << 10
	rounds   = 20

	// slack is how much garbage is never worth a compaction.
	slack = 4 << 10
)

// startCompaction starts a compaction if one is due and none is running.
func (s *Store) startCompaction() {
	end := s.end.Load()
	if s.compacting != nil || s.doubt != nil || end < max(s.compactFrom, s.compactAt) {
		return
	}
	s.set.Lock()
	live := s.set.Bytes() - int64(s.set.Len())*(records.Overhead-minFrame)
	s.set.Unlock()
	if end <= 2*live+slack {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &compaction{s: s, cancel: cancel, old: s.file, from: end}
	s.compacting = c
	start := s.start()
	go func() {
		c.err = c.run(ctx, start)
		s.compacted <- c
	}()
}

// run writes the new file, up to what is left for the writer.
func (c *compaction) run(ctx context.Context, start *frame) error {
	if err := c.snapshot(ctx, start); err != nil {
		return err
	}
	for range rounds {
		if err := c.follow(ctx); err != nil {
			return err
		}
		if err := c.file.sync(); err != nil {
			return err
		}
		if c.s.end.Load()-c.from <= handOver {
			break
		}
	}
	return nil
}

// snapshot makes the new file, with the live records.
func (c *compaction) snapshot(ctx context.Context, start *frame) (err error) {
	c.file, err = c.s.fs.create(c.s.path + ".tmp")
	if err != nil {
		return err
	}
	format, synced := c.s.format, int64(0)
	c.header = format.newHeader()
	buf := format.append(append(make([]byte, 0, 2*compactChunk), c.header...), start)
	for e, err := range c.s.set.All(ctx.Err) {
		if err != nil {
			return err
		}
		buf = format.append(buf, &frame{
			kind: kindPut, version: e.Version, expires: records.Micros(e.Expires),
			key: e.Key, owner: e.Owner, data: e.Data,
		})
		if len(buf) < compactChunk {
			continue
		}
		if err := c.write(buf); err != nil {
			return err
		}
		buf = buf[:0]
		if c.end-synced >= compactSync {
			if err := c.file.sync(); err != nil {
				return err
			}
			synced = c.end
		}
	}
	return c.write(buf)
}

// follow copies what the old file has got since.
func (c *compaction) follow(ctx context.Context) error {
	buf := make([]byte, compactChunk)
	for end := c.s.end.Load(); c.from < end; {
		if err := ctx.Err(); err != nil {
			return err
		}
		b := buf[:min(int64(len(buf)), end-c.from)]
		if _, err := c.old.ReadAt(b, c.from); err != nil {
			return err
		}
		if err := c.write(b); err != nil {
			return err
		}
		c.from += int64(len(b))
	}
	return nil
}

func (c *compaction) write(b []byte) error {
	n, err := c.file.Write(b)
	c.end += int64(n)
	return err
}

// finishCompaction ends the compaction with a change of files, if all went
// well. The writer does it between two batches.
func (s *Store) finishCompaction(c *compaction) {
	s.compacting = nil
	if c.err == nil {
		c.err = s.switchTo(c)
	}
	c.cancel()
	if c.err == nil {
		return
	}
	c.discard()
	// The same would happen again: the disk may be full.
	end := s.end.Load()
	s.compactAt = end + max(end/4, slack)
	s.log.Error("logstore: the file could not be compacted; it will be tried again later",
		"file", s.path, "bytes", end, "error", c.err)
}

// switchTo copies what is left and changes files, unless there is a doubt about
// the old one: then the next change writes all again.
func (s *Store) switchTo(c *compaction) error {
	if s.doubt == nil {
		s.doubt = s.look(s.end.Load())
	}
	if s.doubt != nil {
		return s.doubt
	}
	if err := c.follow(context.Background()); err != nil {
		return err
	}
	return s.install(c)
}

// install puts the new file in the place of the old one. From the rename on the
// old one must not be written any more, and until the directory is durable the
// new one must not either: it might not be the one that is found after a power
// loss.
func (s *Store) install(c *compaction) error {
	if err := c.file.sync(); err != nil {
		return err
	}
	closed := s.fs.closedRename()
	if closed {
		c.file.Close()
		s.file.Close()
	}
	if err := s.fs.rename(s.path+".tmp", s.path); err != nil {
		if closed {
			s.doubt = err
		}
		return err
	}
	if closed {
		f, err := s.fs.open(s.path)
		if err != nil {
			s.doubt = err
			return err
		}
		c.file = f
	} else {
		// Freeing the blocks of a large file takes time.
		old := s.file
		s.background.Go(func() { old.Close() })
	}
	s.file, s.header, s.begun, s.unsynced, s.compactAt = c.file, c.header, true, false, 0
	s.end.Store(c.end)
	c.file = nil
	if err := s.fs.syncDir(s.path); err != nil {
		s.doubt = fmt.Errorf("the directory: %w", err)
		return s.doubt
	}
	s.writeNote()
	return nil
}

// stopCompaction ends the compaction, if there is one, without a result.
func (s *Store) stopCompaction() {
	if c := s.compacting; c != nil {
		s.compacting = nil
		c.cancel()
		(<-s.compacted).discard()
	}
}

// discard removes the new file, unless it has been installed.
func (c *compaction) discard() {
	if c.file != nil {
		c.file.Close()
		_ = c.s.fs.remove(c.s.path + ".tmp") // else the next Open does it
	}
}
