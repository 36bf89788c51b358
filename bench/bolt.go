package bench

import (
	"context"
	"encoding/binary"
	"time"

	"go.etcd.io/bbolt"

	"github.com/sesame-go/sesame/store"
)

// bolt is a store on bbolt as one would write it: a bucket, the version and
// the expiry in front of the data, and Batch, which lets concurrent writers
// share a transaction.
type bolt struct{ db *bbolt.DB }

var bucket = []byte("sessions")

const boltHeader = 16

func openBolt(path string) (*bolt, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		return nil, err
	}
	db.MaxBatchDelay = time.Millisecond // 10 by default: one writer would wait for company
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(bucket)
		return err
	})
	return &bolt{db}, err
}

func (s *bolt) Close() error { return s.db.Close() }

func (s *bolt) Load(_ context.Context, k store.Key) (r store.Record, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		v := tx.Bucket(bucket).Get(k[:])
		if v == nil {
			return store.ErrNotFound
		}
		r.Version = binary.BigEndian.Uint64(v)
		r.Expires = time.UnixMilli(int64(binary.BigEndian.Uint64(v[8:])))
		r.Data = append([]byte(nil), v[boltHeader:]...)
		return nil
	})
	return r, err
}

func (s *bolt) Save(_ context.Context, k store.Key, r store.Record) (version uint64, err error) {
	err = s.db.Batch(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucket)
		was := uint64(0)
		if v := b.Get(k[:]); v != nil {
			was = binary.BigEndian.Uint64(v)
		}
		if was != r.Version {
			return store.ErrConflict
		}
		version, err = b.NextSequence()
		if err != nil {
			return err
		}
		v := binary.BigEndian.AppendUint64(make([]byte, 0, boltHeader+len(r.Data)), version)
		v = binary.BigEndian.AppendUint64(v, uint64(r.Expires.UnixMilli()))
		return b.Put(k[:], append(v, r.Data...))
	})
	return version, err
}
