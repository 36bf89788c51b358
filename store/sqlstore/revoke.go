package sqlstore

import (
	"context"
	"encoding/hex"
	"math"
	"strings"

	"github.com/sesame-go/sesame/store"
)

// DeleteOwned implements [store.OwnerIndex]. It removes the sessions that have
// expired in one statement and the others in a second, to count these.
func (s *Store) DeleteOwned(ctx context.Context, owner string, keep ...store.Key) (int, error) {
	// The keys to keep are one parameter, however many there are, so that the
	// text of the statement is always the same. It is JSON, in which a database
	// may also look for a part of the text, since keys are quoted.
	kept := make([]string, len(keep))
	for i, k := range keep {
		kept[i] = strings.ToUpper(hex.EncodeToString(k[:]))
	}
	list := `["` + strings.Join(kept, `","`) + `"]`
	n, err := s.write(ctx, "delete owned", func(x exec) (int64, error) {
		if _, err := x(removeOwned, []byte(owner), s.now(), list); err != nil {
			return 0, err
		}
		return x(removeOwned, []byte(owner), int64(math.MaxInt64), list)
	})
	return int(n), err
}
