package doctor

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// redis looks at the settings of all nodes.
func (p *Patient) redis(ctx context.Context) {
	cluster, ok := p.Engine.Redis.(*redis.ClusterClient)
	if !ok {
		p.redisNode(ctx, p.Engine.Redis, "")
		return
	}
	var mu sync.Mutex
	var nodes []*redis.Client
	err := cluster.ForEachMaster(ctx, func(_ context.Context, node *redis.Client) error {
		mu.Lock()
		defer mu.Unlock()
		nodes = append(nodes, node)
		return nil
	})
	if err != nil {
		p.unseen("settings", "", err)
	}
	for _, node := range nodes {
		p.redisNode(ctx, node, node.Options().Addr+": ")
	}
}

// redisNode reads settings from INFO, which hosted servers allow too, and what is
// only there by CONFIG GET.
func (p *Patient) redisNode(ctx context.Context, node redis.UniversalClient, name string) {
	info, err := node.Info(ctx).Result()
	if err != nil {
		p.unseen(name+"settings", "look at maxmemory-policy, appendonly and appendfsync yourself", err)
		return
	}
	value := func(key string) string { return field(info, key) }

	policy, limit := value("maxmemory_policy"), value("maxmemory")
	switch {
	case policy == "noeviction":
		p.add(OK, name+"maxmemory-policy", "", "noeviction: sessions go only when they end")
	case limit == "0":
		p.add(Note, name+"maxmemory-policy", "CONFIG SET maxmemory-policy noeviction, and the same in redis.conf",
			"%s, which has no effect while maxmemory is 0; with a bound it would log users out", policy)
	default:
		p.add(Problem, name+"maxmemory-policy", "CONFIG SET maxmemory-policy noeviction, the same in redis.conf, and memory for all sessions",
			"%s: a full server drops sessions, and forgets whose sessions are whose", policy)
	}
	if evicted := value("evicted_keys"); evicted != "0" && evicted != "" {
		p.add(Problem, name+"evicted_keys", "give the server more memory; CONFIG RESETSTAT begins to count again",
			"%s keys were dropped since the server started, because it was full", evicted)
	}
	if role := value("role"); role != "master" {
		p.add(Problem, name+"role", "give the address of the primary", "%s: a replica lags behind, and shows sessions that have logged out", role)
	}
	if value("aof_enabled") != "1" {
		p.add(Problem, name+"appendonly", "CONFIG SET appendonly yes, then the same in redis.conf",
			"no: a crash or restart loses what was saved since the last snapshot, and brings back sessions that had logged out")
		return
	}
	p.add(OK, name+"appendonly", "", "yes")
	if status := value("aof_last_write_status"); status == "err" {
		p.add(Problem, name+"aof_last_write_status", "make room on the server's disk", "err: the append-only file cannot be written")
	}
	config, err := node.ConfigGet(ctx, "appendfsync").Result()
	if err == nil && config["appendfsync"] == "" {
		err = errors.New("the server does not tell")
	}
	switch {
	case err != nil:
		p.unseen(name+"appendfsync", "ask the provider; everysec may lose a second or two on a power loss", err)
	case config["appendfsync"] == "always":
		p.add(OK, name+"appendfsync", "", "always")
	case config["appendfsync"] == "everysec":
		p.add(Note, name+"appendfsync", "CONFIG SET appendfsync always, if a log-out must be final and writes may be slower",
			"everysec: a power loss may undo a second or two, log-outs too")
	default:
		p.add(Problem, name+"appendfsync", "CONFIG SET appendfsync everysec, or always, and the same in redis.conf",
			"%s: a power loss undoes up to half a minute, log-outs too", config["appendfsync"])
	}
}

// field returns a value of INFO.
func field(info, key string) string {
	for line := range strings.Lines(info) {
		if value, found := strings.CutPrefix(line, key+":"); found {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
