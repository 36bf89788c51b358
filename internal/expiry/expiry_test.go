package expiry_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/sesame-go/sesame/internal/expiry"
)

func TestClamp(t *testing.T) {
	first, last := time.Unix(0, 0), time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC)
	for _, past := range []time.Time{{}, first.Add(-1), time.Unix(-1<<62, 0)} {
		assert.Zero(t, expiry.Clamp(past).UnixMicro(), past)
	}
	for _, distant := range []time.Time{last.Add(1), time.Unix(1<<40, 0), time.Unix(1<<62, 0)} {
		assert.Equal(t, last.UnixMicro(), expiry.Clamp(distant).UnixMicro(), distant)
	}
	for _, within := range []time.Time{first, time.Now(), last} {
		assert.Equal(t, within, expiry.Clamp(within))
	}
}
