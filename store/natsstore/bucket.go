package natsstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// stream returns the name of the bucket's stream, as NATS forms it.
func (c *config) stream() string { return "KV_" + c.bucket }

// subjects returns the subjects of the bucket, as NATS forms them.
func (c *config) subjects() string { return "$KV." + c.bucket + ".>" }

// create returns the configuration of a new bucket. It is the one that NATS
// gives to key-value buckets, but for three things. Gets are answered by the
// leader alone, since other replicas may be behind it and show a session that
// has logged out. Messages have TTLs of their own. And there are no markers
// where one has expired, which nobody would read.
func (c *config) create() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              c.stream(),
		Description:       "sessions of sesame",
		Subjects:          []string{c.subjects()},
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

// check returns an error, with the cure, if a bucket cannot keep what this
// package promises.
func (c *config) check(have jetstream.StreamConfig) error {
	edit := func(flag string) string { return "nats stream edit " + c.stream() + " " + flag }
	anew := "remove the bucket and let Open make it, or take another name with WithBucket"
	var fault, cure string
	switch {
	case !slices.Contains(have.Subjects, c.subjects()):
		fault, cure = "it does not take the subjects "+c.subjects(), anew
	case have.Mirror != nil || len(have.Sources) > 0:
		fault, cure = "it copies from another stream", anew
	case have.Retention != jetstream.LimitsPolicy:
		fault, cure = "its retention is "+have.Retention.String()+", and not by limits", anew
	case have.Storage != c.storage && have.Storage == jetstream.MemoryStorage:
		fault, cure = "it is in memory, and loses the sessions when its servers stop", "agree to that by WithMemoryStorage; or "+anew
	case have.Storage != c.storage:
		fault, cure = "it is in files", "leave WithMemoryStorage out; or "+anew
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
		fault, cure = "it acknowledges messages before they are written", anew
	case have.NoAck:
		fault, cure = "it does not acknowledge messages", anew
	case have.Sealed:
		fault, cure = "it is sealed", anew
	default:
		return nil
	}
	return fmt.Errorf("natsstore: open: the bucket %s will not do: %s; the cure: %s", c.bucket, fault, cure)
}

// obtain returns the bucket's stream, which it makes if there is none.
func (c *config) obtain(ctx context.Context, js jetstream.JetStream) (jetstream.Stream, error) {
	st, err := js.Stream(ctx, c.stream())
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		st, err = js.CreateStream(ctx, c.create())
	}
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // made meanwhile, by another program
		st, err = js.Stream(ctx, c.stream())
	}
	return st, err
}

// checkServer returns an error if the server is older than 2.11, where
// messages have no TTL. Such a server would make the bucket all the same,
// without a word.
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
