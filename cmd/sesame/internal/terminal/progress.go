package terminal

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Progress shows how far a long command is, on a terminal only. Its methods are
// safe for concurrent use.
type Progress struct {
	w     io.Writer
	what  string
	total int // 0 if it is not known
	began time.Time
	done  atomic.Int64
	stop  chan struct{}
	wg    sync.WaitGroup
}

// NewProgress begins to show the progress of what is being done, of total
// sessions if that is known and not 0. The caller calls Close.
func NewProgress(w io.Writer, what string, total int) *Progress {
	p := &Progress{w: w, what: what, total: total, began: time.Now(), stop: make(chan struct{})}
	if Width(w) > 0 {
		p.wg.Go(p.draw)
	}
	return p
}

// Add counts one session. A nil Progress counts none.
func (p *Progress) Add() {
	if p != nil {
		p.done.Add(1)
	}
}

// Close clears the line.
func (p *Progress) Close() {
	close(p.stop)
	p.wg.Wait()
}

func (p *Progress) draw() {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			// The window may have changed. Three columns stay free, for the ^C
			// that a terminal shows: a line that is full would be two.
			fmt.Fprintf(p.w, "\r\x1b[K%s", p.line(Width(p.w)-3))
		case <-p.stop:
			fmt.Fprint(p.w, "\r\x1b[K")
			return
		}
	}
}

// line returns what fits into a width.
func (p *Progress) line(width int) string {
	done := int(p.done.Load())
	speed := float64(done) / time.Since(p.began).Seconds()
	if p.total == 0 {
		return fit(fmt.Sprintf("%s %s, %s/s", p.what, Number(done), Number(int(speed))), width)
	}
	part := min(float64(done)/float64(p.total), 1)
	left := ""
	if speed > 0 {
		left = ", " + span(time.Duration(float64(max(p.total-done, 0))/speed*float64(time.Second))) + " left"
	}
	text := fmt.Sprintf(" %3.0f%%  %s of %s%s", 100*part, Number(done), Number(p.total), left)
	bar := min(width-len(p.what)-1-len(text), 40)
	if bar < 5 {
		return fit(p.what+text, width)
	}
	full := int(part * float64(bar))
	return p.what + " " + strings.Repeat("█", full) + strings.Repeat("░", bar-full) + text
}
