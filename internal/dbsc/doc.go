// Package dbsc is the server's part of Device Bound Session Credentials (W3C
// WebAppSec, Editor's Draft of February 2026): the browser keeps a private key
// that cannot be copied, and every few minutes signs a challenge with it.
//
// The server stores nothing for that but what [Binding] holds, once, in the
// session's record. Challenges and the bound cookie are stamps: a time, and a
// MAC under a secret of the session's. A process that has loaded the record can
// check them, whichever process made them.
package dbsc

import (
	"sync/atomic"
	"time"
)

// Terms are how long proofs are good for. All ends are counted from the time of
// a challenge, not from that of the answer, so that a signature that is sent
// twice gains nothing.
type Terms struct{ Lifetime time.Duration }

// MinLifetime is the shortest lifetime of a proof: Chromium refreshes a cookie
// with two minutes or less left after each request. Only tests change it.
var MinLifetime = 3 * time.Minute

// Ahead is how many nanoseconds the clock of this process is ahead. Only tests
// change it.
var Ahead atomic.Int64

// Now is the time that stamps are made and judged by.
func Now() time.Time { return time.Now().Add(time.Duration(Ahead.Load())) }

// Cookie returns how long the browser keeps the bound cookie of a challenge of
// the given age. It ends a little earlier than the proof, because requests
// travel, and clocks of servers differ.
func (t Terms) Cookie(age time.Duration) time.Duration {
	return t.Lifetime - age.Abs() - min(10*time.Second, t.Lifetime/4)
}

// Proven reports whether a proof of the given age is good.
func (t Terms) Proven(age time.Duration) bool { return age < t.Lifetime }

// Offered reports whether an offer of the given age may be accepted. It can be
// accepted once, so it may be old.
func (t Terms) Offered(age time.Duration) bool { return age.Abs() < t.Lifetime }

// Answered reports whether the answer to a challenge of the given age is in
// time. A browser answers at once.
func (t Terms) Answered(age time.Duration) bool {
	return age.Abs() < min(30*time.Second, t.Lifetime/4)
}

// Fresh reports whether a proof of the given age was made just now.
func (t Terms) Fresh(age time.Duration) bool {
	return age.Abs() < min(time.Minute, t.Lifetime/2)
}

// Begun reports whether a request may do without a proof because its browser
// may have sent it before it had the first one.
func (t Terms) Begun(age time.Duration) bool {
	return age.Abs() < min(10*time.Second, t.Lifetime/2)
}
