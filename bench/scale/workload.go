package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// kind is what a request does with its session.
type kind int

const (
	untouched kind = iota // no handler asked for it: the store is not called
	reads
	changes
	creates
	renews
	logsOut
	kinds
)

var kindNames = [kinds]string{"untouched", "read", "change", "create", "renew", "logout"}

func (k kind) String() string { return kindNames[k] }

// mix is the share of each kind, in per cent of the requests. It is a flag.
type mix [kinds]float64

func (m *mix) String() string {
	var parts []string
	for k, share := range m {
		parts = append(parts, fmt.Sprintf("%s=%g", kind(k), share))
	}
	return strings.Join(parts, ",")
}

// Set reads all or some of the shares; reads take what is left of 100.
func (m *mix) Set(text string) error {
	next, rest := mix{}, 100.0
	for part := range strings.SplitSeq(text, ",") {
		name, number, _ := strings.Cut(part, "=")
		k := kinds
		for i, known := range kindNames {
			if name == known {
				k = kind(i)
			}
		}
		share, err := strconv.ParseFloat(number, 64)
		if k == kinds || err != nil || !(share >= 0 && share <= 100) {
			return fmt.Errorf("%q: use kind=percent, of %s", part, strings.Join(kindNames[:], ", "))
		}
		next[k] = share
		rest -= share
	}
	if !strings.Contains(text, "read=") {
		next[reads], rest = rest, 0
	}
	if math.Abs(rest) > 1e-6 || next[reads] < 0 {
		return fmt.Errorf("%q: the shares have to make 100", text)
	}
	*m = next
	return nil
}

func (m *mix) draw(r *rand.Rand) kind {
	x := r.Float64() * 100
	for k, share := range m {
		if x < share {
			return kind(k)
		}
		x -= share
	}
	return reads
}

// workload is who asks for what. Requests come in pages: a few at a time that
// belong to one session, as browsers send them.
type workload struct {
	sessions float64
	rps      float64
	mix      mix
	zipf     float64       // popularity of a session by rank: rank^-zipf
	burst    int           // requests of a page
	gap      time.Duration // mean time between two of them
	handler  time.Duration // time a handler takes without the store
	idle     time.Duration // idle timeout; a session is touched once in a tenth
	size     float64       // bytes of a record: 71 and the codec's
	owned    float64       // share of the sessions that have an owner
}

// weight is the area under x^-zipf from 1 to x.
func (w *workload) weight(x float64) float64 {
	if w.zipf == 1 {
		return math.Log(x)
	}
	return (math.Pow(x, 1-w.zipf) - 1) / (1 - w.zipf)
}

// rank draws a session by its popularity, 1 is the most popular.
func (w *workload) rank(r *rand.Rand) uint64 {
	y := r.Float64() * w.weight(w.sessions+1)
	x := math.Exp(y)
	if w.zipf != 1 {
		x = math.Pow(1+y*(1-w.zipf), 1/(1-w.zipf))
	}
	return uint64(min(max(x, 1), w.sessions))
}

// pages is how many pages a second the session of a rank asks for.
func (w *workload) pages(rank uint64) float64 {
	x := float64(rank)
	share := (w.weight(x+1) - w.weight(x)) / w.weight(w.sessions+1)
	return share * w.rps / float64(w.burst)
}

// life is how long a session lives on average, if there are to be as many
// tomorrow as today: they come as fast as they go.
func (w *workload) life() time.Duration {
	return time.Duration(w.sessions / (w.rps * w.mix[creates] / 100) * float64(time.Second))
}

// expiring is how many sessions a second end by themselves.
func (w *workload) expiring() float64 {
	return max(0, w.rps*(w.mix[creates]-w.mix[logsOut])/100)
}

// age draws how long ago the expiry of a live session was written. A save
// writes it at any time, and any use does after a tenth of the idle timeout,
// so the age's density falls slowly up to that and fast from then on.
func (w *workload) age(r *rand.Rand, pages float64) time.Duration {
	atLeastOne := func(percent float64) float64 {
		return pages * (1 - math.Pow(1-percent/100, float64(w.burst)))
	}
	written := w.mix[changes] + w.mix[renews]
	slow, fast := atLeastOne(written), atLeastOne(written+w.mix[reads])
	tenth, idle := w.idle.Seconds()/10, w.idle.Seconds()
	young := area(slow, tenth)
	old := math.Exp(-slow*tenth) * area(fast, idle-tenth)
	y := r.Float64() * (young + old)
	seconds := inverse(slow, y)
	if y >= young {
		seconds = tenth + inverse(fast, (y-young)/math.Exp(-slow*tenth))
	}
	return time.Duration(min(seconds, idle) * float64(time.Second))
}

// area is that under exp(-rate·x) from 0 to x, and inverse its inverse.
func area(rate, x float64) float64 {
	if rate*x < 1e-9 {
		return x
	}
	return (1 - math.Exp(-rate*x)) / rate
}

func inverse(rate, y float64) float64 {
	if rate*y < 1e-9 {
		return y
	}
	return -math.Log(max(1-rate*y, 1e-300)) / rate
}
