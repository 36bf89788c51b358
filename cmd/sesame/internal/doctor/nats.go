package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/sesame-go/sesame/cmd/sesame/engine"
)

// nats looks at the bucket. What would break the store already keeps it from being
// opened.
func (p *Patient) nats(ctx context.Context) {
	info, err := streamInfo(ctx, p.Engine.JetStream, p.Engine.Name)
	if err != nil {
		p.unseen("bucket", "", err)
		return
	}
	config := info.Config
	if config.Storage == jetstream.MemoryStorage {
		p.add(Problem, "storage", "copy the sessions to a bucket in files (sesame copy … …?bucket=NEW), and leave WithMemoryStorage out",
			"memory: all sessions are gone when the last server that has them stops")
	} else {
		p.add(OK, "storage", "", "files")
		p.natsSync(ctx, config.Replicas)
	}
	if config.Replicas < 3 {
		p.add(Note, "replicas", fmt.Sprintf("nats stream edit %s --replicas=3, in a cluster", config.Name),
			"%d: while that server is down users get 503, and if its disk is lost so are the sessions", config.Replicas)
	} else {
		p.add(OK, "replicas", "", "%d", config.Replicas)
	}
}

// natsSync asks the server's monitoring port when it syncs: clients are not told.
func (p *Patient) natsSync(ctx context.Context, replicas int) {
	const cure = "jetstream { sync_interval: always } in the server's configuration"
	if p.Engine.Monitor == "" {
		p.add(Note, "sync_interval", "add ?monitor=http://HOST:8222 to the address, that of the server's http_port; or see that it has "+cure,
			"could not be seen: servers tell it on their monitoring port only")
		return
	}
	interval, always, err := askMonitor(ctx, p.Engine)
	switch {
	case err != nil:
		p.unseen("sync_interval", "see that ?monitor= is the server's http_port, such as http://localhost:8222", err)
	case always:
		p.add(OK, "sync_interval", "", "always")
	case replicas >= 3:
		p.add(Note, "sync_interval", cure, "%v: machines that lose power together lose as much; one alone loses nothing", interval)
	default:
		p.add(Problem, "sync_interval", cure, "%v: a power loss undoes as much, log-outs and renewals too", interval)
	}
}

func askMonitor(ctx context.Context, e *engine.Engine) (interval time.Duration, always bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, engine.Patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(e.Monitor, "/")+"/varz", http.NoBody)
	if err != nil {
		return 0, false, err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, false, err
	}
	defer resp.Body.Close()
	var varz struct {
		JetStream struct {
			Config *struct {
				SyncInterval time.Duration `json:"sync_interval"`
				SyncAlways   bool          `json:"sync_always"`
			} `json:"config"`
		} `json:"jetstream"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&varz); err != nil || varz.JetStream.Config == nil {
		return 0, false, errors.New("its answer is not that of a NATS server with JetStream")
	}
	config := varz.JetStream.Config
	if config.SyncInterval == 0 {
		config.SyncInterval = 2 * time.Minute
	}
	return config.SyncInterval, config.SyncAlways, nil
}
