package natsstore

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/sesame-go/sesame/store"
)

// streamName returns the name of the bucket's stream, as NATS forms it.
func (c *config) streamName() string { return "KV_" + c.bucket }

// prefix returns what the bucket's subjects begin with, as NATS forms them.
func (c *config) prefix() string { return "$KV." + c.bucket + "." }

// sessionKeys is what the names of sessions begin with, for tools that show
// the bucket.
const sessionKeys = "s."

// subject returns where the session of k is.
func (c *config) subject(k store.Key) string { return c.prefix() + sessionKeys + k.String() }

// tree returns what the subjects of an owner's index begin with.
func (c *config) tree(owner string) string {
	return c.prefix() + "o." + hex.EncodeToString([]byte(owner)) + "."
}

// newLayout returns the configuration of a new bucket. It is the one that NATS
// gives to key-value buckets, but for three things. Gets are answered by the
// leader alone, since other replicas may be behind it and show a session that
// has logged out. Messages have TTLs of their own. And there are no markers
// where one has expired, which would not be read.
func (c *config) newLayout() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              c.streamName(),
		Description:       "sessions of sesame",
		Subjects:          []string{c.prefix() + ">"},
		Storage:           c.storage,
		Replicas:          max(c.replicas, 1),
		MaxMsgsPerSubject: 1,
		MaxMsgs:           -1,
		MaxBytes:          -1,
		MaxMsgSize:        -1,
		MaxConsumers:      -1,
		Discard:           jetstream.DiscardNew,
		DenyDelete:        true,
		AllowRollup:       true,
		AllowMsgTTL:       true,
	}
}

// obtain returns the bucket's stream if its configuration fits. If there is none, it
// makes one. Its sequences begin with the time, so that no version of a bucket that
// was there before comes back.
func (c *config) obtain(ctx context.Context, js jetstream.JetStream, layout jetstream.StreamConfig) (jetstream.Stream, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	st, err := js.Stream(ctx, c.streamName())
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		layout.FirstSeq = uint64(time.Now().UnixMicro())
		st, err = js.CreateStream(ctx, layout)
	}
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another program was faster
		st, err = js.Stream(ctx, c.streamName())
	}
	if err != nil {
		return nil, err
	}
	return st, c.check(st.CachedInfo().Config)
}

// check returns an error, with the cure, if a bucket cannot keep what this
// package promises.
func (c *config) check(have jetstream.StreamConfig) error {
	edit := func(flag string) string { return "nats stream edit " + c.streamName() + " " + flag }
	replace := "remove the bucket and let Open make it, or take another name with WithBucket"
	var fault, cure string
	switch {
	case !slices.Contains(have.Subjects, c.prefix()+">"):
		fault, cure = "it does not take the subjects "+c.prefix()+">", replace
	case have.Mirror != nil || len(have.Sources) > 0:
		fault, cure = "it copies from another stream", replace
	case have.Retention != jetstream.LimitsPolicy:
		fault, cure = "its retention is "+have.Retention.String()+", and not by limits", replace
	case have.Storage != c.storage && have.Storage == jetstream.MemoryStorage:
		fault, cure = "it is in memory, and loses the sessions when its servers stop", "agree to that by WithMemoryStorage; or "+replace
	case have.Storage != c.storage:
		fault, cure = "it is in files", "leave WithMemoryStorage out; or "+replace
	case c.replicas != 0 && have.Replicas != c.replicas:
		fault = fmt.Sprintf("it has %d replicas, and not the %d of WithReplicas", have.Replicas, c.replicas)
		cure = edit("--replicas=" + strconv.Itoa(c.replicas))
	case have.MaxMsgsPerSubject != 1:
		fault, cure = fmt.Sprintf("it keeps %d messages of each subject, and not 1", have.MaxMsgsPerSubject), edit("--max-msgs-per-subject=1")
	case have.MaxAge != 0:
		fault, cure = fmt.Sprintf("it drops messages after %v, whatever their TTL", have.MaxAge), edit("--max-age=0")
	case have.Discard != jetstream.DiscardNew && (have.MaxMsgs > 0 || have.MaxBytes > 0):
		fault, cure = "it drops old sessions when it is full", edit("--discard=new")
	case !have.AllowMsgTTL:
		fault, cure = "it has no TTLs for messages", edit("--allow-msg-ttl")+", with servers from 2.11 on"
	case have.AllowDirect:
		fault, cure = "it allows direct gets, which may show a session after its log-out", edit("--no-allow-direct")
	case have.PersistMode == jetstream.AsyncPersistMode:
		fault, cure = "it acknowledges messages before they are written", replace
	case have.NoAck:
		fault, cure = "it does not acknowledge messages", replace
	case have.Sealed:
		fault, cure = "it is sealed", replace
	default:
		return nil
	}
	return fmt.Errorf("the bucket %s will not do: %s; the cure: %s", c.bucket, fault, cure)
}

// checkServer returns an error if the server is older than 2.11, where
// messages have no TTL. Such a server would make the bucket and ignore the setting.
func checkServer(version string) error {
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	a, aerr := strconv.Atoi(major)
	b, berr := strconv.Atoi(minor)
	known := aerr == nil && berr == nil // else not connected, or a version of a new form
	if known && (a < 2 || a == 2 && b < 11) {
		return fmt.Errorf("natsstore: open: the server is NATS %s, which has no TTLs for messages; "+
			"version 2.11 or later is needed (Debian's packages are older; take those of nats.io)", version)
	}
	return nil
}
