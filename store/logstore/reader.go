package logstore

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// A Recovery says what [Open] found in the file.
type Recovery struct {
	// Records is how many records were read, those among them that later ones
	// have replaced or removed.
	Records int

	// Damage lists, in their order, the stretches of the file that held no
	// valid record. It is empty if the file was whole.
	Damage []Damage
}

// Damage is a stretch of the file that could not be read.
type Damage struct {
	Offset, Bytes int64

	// Tail reports whether nothing followed it, as after a write that a crash or
	// a power loss interrupted, or whether the file was shorter than before by so
	// much. Such damage was cut off. Other damage stays in the file until the next
	// compaction.
	Tail bool
}

// missing adds that the file ends at size although it had more bytes once.
func (r *Recovery) missing(size, before int64) {
	n := len(r.Damage)
	if n == 0 || !r.Damage[n-1].Tail {
		r.Damage = append(r.Damage, Damage{Offset: size, Tail: true})
		n++
	}
	r.Damage[n-1].Bytes += before - size
}

func (d Damage) String() string {
	what := "skipped"
	if d.Tail {
		what = "cut off the end"
	}
	return fmt.Sprintf("%d bytes at offset %d, %s", d.Bytes, d.Offset, what)
}

// window is how much of the file is read at once.
const window = 1 << 20

// A reader reads the frames of a file one after the other.
type reader struct {
	format
	f         io.ReaderAt
	off, size int64
	buf       []byte // what the file has at off, or the beginning of that
	spare     []byte
}

// readFrames calls visit for each valid frame from off on and looks for the
// next one where there is none. It returns where the last one ends.
func readFrames(f io.ReaderAt, form format, off, size int64, visit func(frame)) (end int64, rec Recovery, err error) {
	r := &reader{format: form, f: f, off: off, size: size}
	for end = off; r.off < size; {
		fr, n, err := r.next()
		if err != nil {
			return 0, Recovery{}, err
		}
		if n == 0 {
			if err := r.skip(); err != nil {
				return 0, Recovery{}, err
			}
			continue
		}
		if r.off != end {
			rec.Damage = append(rec.Damage, Damage{Offset: end, Bytes: r.off - end})
		}
		rec.Records++
		visit(fr)
		r.advance(n)
		end = r.off
	}
	if end < size {
		rec.Damage = append(rec.Damage, Damage{Offset: end, Bytes: size - end, Tail: true})
	}
	return end, rec, nil
}

// next returns the frame at r.off and its size, which is 0 if there is none.
func (r *reader) next() (frame, int, error) {
	prefix, err := r.peek(prefixSize)
	if err != nil {
		return frame{}, 0, err
	}
	n, ok := r.bodySize(prefix)
	if n += prefixSize; !ok || int64(n) > r.size-r.off {
		return frame{}, 0, nil
	}
	b, err := r.peek(n)
	if err != nil {
		return frame{}, 0, err
	}
	fr, ok := r.parse(b[:n])
	if !ok {
		return frame{}, 0, nil
	}
	return fr, n, nil
}

// skip moves to the next offset at which a frame may begin.
func (r *reader) skip() error {
	b, err := r.peek(window)
	if err != nil {
		return err
	}
	if i := bytes.Index(b[1:], r.mark[:]); i >= 0 {
		r.advance(1 + i)
		return nil
	}
	n := len(b) - len(r.mark) + 1 // a mark may begin in what is left
	if int64(len(b)) == r.size-r.off {
		n = len(b)
	}
	r.advance(n)
	return nil
}

// peek returns what is at r.off: n bytes or more, less at the end of the file.
func (r *reader) peek(n int) ([]byte, error) {
	n = int(min(int64(n), r.size-r.off))
	if len(r.buf) >= n {
		return r.buf, nil
	}
	size := int(min(int64(max(n, window)), r.size-r.off))
	b := r.spare
	if cap(b) < size {
		b = make([]byte, size)
	}
	b = b[:size]
	have := copy(b, r.buf) // they may overlap, with b in front
	read, err := r.f.ReadAt(b[have:], r.off+int64(have))
	if read < size-have {
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("reading at offset %d: %w", r.off, err)
	}
	r.buf, r.spare = b, b[:0]
	return b, nil
}

func (r *reader) advance(n int) {
	r.buf = r.buf[n:]
	r.off += int64(n)
}
