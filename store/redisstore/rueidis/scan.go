package rueidis

import (
	"context"
	"iter"

	"github.com/redis/rueidis"
)

// scanCount is how many keys a server looks at for one SCAN.
const scanCount = 1000

// Scan implements [redisstore.Conn]. It asks the nodes one after the other,
// each first for its ROLE, to leave out replicas.
func (c *Conn) Scan(ctx context.Context, pattern string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, node := range c.client.Nodes() {
			if !scan(ctx, node, pattern, yield) {
				return
			}
		}
	}
}

// scan yields the keys of one node, and reports whether to go on.
func scan(ctx context.Context, node rueidis.Client, pattern string, yield func(string, error) bool) bool {
	primary, err := isPrimary(ctx, node)
	if err != nil {
		yield("", err)
		return false
	}
	for cursor, more := uint64(0), primary; more; more = cursor != 0 {
		page, err := node.Do(ctx, node.B().Scan().Cursor(cursor).Match(pattern).Count(scanCount).Build().Pin()).AsScanEntry()
		if err != nil {
			yield("", err)
			return false
		}
		for _, key := range page.Elements {
			if !yield(key, nil) {
				return false
			}
		}
		cursor = page.Cursor
	}
	return true
}

func isPrimary(ctx context.Context, node rueidis.Client) (bool, error) {
	role, err := node.Do(ctx, node.B().Role().Build().Pin()).ToArray()
	if err != nil || len(role) == 0 {
		return false, err
	}
	name, err := role[0].ToString()
	return name == "master", err
}
