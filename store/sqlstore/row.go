package sqlstore

import (
	"database/sql"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/sesame-go/sesame/internal/expiry"
	"github.com/sesame-go/sesame/store"
)

// columns are what the table keeps of a record, besides id and version.
type columns struct {
	expires int64
	slot    int64
	owner   any // nil, which is NULL, without an owner: a nil []byte is not NULL to all drivers
	data    []byte
	crc     int64
}

// columnsOf returns the columns of r as it will be saved under k with a version.
func columnsOf(k store.Key, version int64, r store.Record) (columns, error) {
	if len(r.Owner) > store.MaxOwner {
		return columns{}, fmt.Errorf("sqlstore: the owner has %d bytes, more than %d", len(r.Owner), store.MaxOwner)
	}
	expires := millis(r.Expires)
	c := columns{expires: expires, slot: slot(expires), data: r.Data}
	owner := []byte(r.Owner)
	if len(owner) > 0 {
		c.owner = owner
	}
	if c.data == nil {
		c.data = []byte{} // the column is NOT NULL
	}
	c.crc = checksum(k, version, owner, r.Data)
	return c, nil
}

// A row is what a statement selects.
type row struct {
	id []byte
	store.Entry
	damaged bool
}

// scanRow reads the columns of selectRows.
func scanRow(rows *sql.Rows) (r row, err error) {
	var version, expires, slotted, crc int64
	var owner []byte
	if err := rows.Scan(&r.id, &version, &expires, &slotted, &owner, &r.Data, &crc); err != nil {
		return row{}, err
	}
	copy(r.Key[:], r.id)
	r.Version = uint64(version)
	r.Expires = time.UnixMilli(expires)
	r.Owner = string(owner)
	r.damaged = len(r.id) != len(r.Key) || slotted != slot(expires) || crc != checksum(r.Key, version, owner, r.Data)
	return r, nil
}

// checksum returns the CRC-32C of what stays the same until the next save. The
// expiry does not. It is checked against its slot, so that damage moves it by
// less than ten minutes.
func checksum(k store.Key, version int64, owner, data []byte) int64 {
	var head [len(k) + 9]byte
	copy(head[:], k[:])
	binary.BigEndian.PutUint64(head[len(k):], uint64(version))
	head[len(head)-1] = byte(len(owner))
	crc := crc32.Update(0, castagnoli, head[:])
	crc = crc32.Update(crc, castagnoli, owner)
	return int64(int32(crc32.Update(crc, castagnoli, data))) // the column has 32 bits and a sign
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// millis returns t in milliseconds since 1970, as the table has it. A time
// outside of the years 1970 to 9999 becomes the nearer end of these, so that
// slots have 32 bits.
func millis(t time.Time) int64 { return expiry.Clamp(t).UnixMilli() }

// slot returns the ten minutes that a time is in. The table has an index on it,
// because an index on the exact time would change with every save and touch.
func slot(millis int64) int64 { return millis / 600_000 }
