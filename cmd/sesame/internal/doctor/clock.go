package doctor

import (
	"context"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Clocks that differ by this much are worth a note, or are a problem: a session
// ends for one program that much earlier than for another.
const (
	skewNote    = 2 * time.Second
	skewProblem = 30 * time.Second
)

const skewCure = "let NTP set the clocks of all machines (timedatectl, chronyc tracking); sesame judges expiry by the clock of the program"

// clock compares this machine's clock with the server's.
func (p *Patient) clock(ctx context.Context) {
	var ask func(context.Context) (time.Time, error)
	switch e := p.Engine; e.Kind {
	case "redis":
		ask = func(ctx context.Context) (time.Time, error) { return e.Redis.Time(ctx).Result() }
	case "postgres":
		ask = p.millis("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")
	case "mysql":
		ask = p.millis("SELECT CAST(UNIX_TIMESTAMP(SYSDATE(6)) * 1000 AS SIGNED)")
	case "nats":
		ask = func(ctx context.Context) (time.Time, error) {
			info, err := streamInfo(ctx, e.JetStream, e.Name)
			if err != nil {
				return time.Time{}, err
			}
			return info.TimeStamp, nil
		}
	default:
		return // one machine, one clock
	}
	before := time.Now()
	there, err := ask(ctx)
	if err != nil {
		p.unseen("clock", "", err)
		return
	}
	after := time.Now()
	skew := there.Sub(before.Add(after.Sub(before) / 2)).Round(time.Millisecond)
	trip := after.Sub(before).Round(time.Millisecond)
	level, cure := OK, ""
	if skew.Abs() > skewNote+trip {
		level, cure = Note, skewCure
	}
	if skew.Abs() > skewProblem {
		level = Problem
	}
	p.add(level, "clock", cure, "the server's differs from this machine's by %v (the answer took %v)", skew.Abs(), trip)
}

func (p *Patient) millis(query string) func(context.Context) (time.Time, error) {
	return func(ctx context.Context) (time.Time, error) {
		var ms int64
		err := p.Engine.DB.QueryRowContext(ctx, query).Scan(&ms)
		return time.UnixMilli(ms), err
	}
}

func streamInfo(ctx context.Context, js jetstream.JetStream, bucket string) (*jetstream.StreamInfo, error) {
	stream, err := js.Stream(ctx, "KV_"+bucket)
	if err != nil {
		return nil, err
	}
	return stream.CachedInfo(), nil
}
