// Package remote lets several processes share a store that belongs to one of them,
// such as a memstore.Store or a logstore.Store: that process serves the store on
// loopback, and the others call it.
package remote

import (
	"context"
	"errors"
	"iter"
	"net"
	"net/rpc"
	"time"

	"github.com/sesame-go/sesame/store"
)

// Serve answers calls from l until l is closed.
func Serve(l net.Listener, s store.Store) error {
	server := rpc.NewServer()
	if err := server.RegisterName("Store", &service{s}); err != nil {
		return err
	}
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		go server.ServeConn(conn)
	}
}

// Request has the arguments of each method of a store.
type Request struct {
	Key     store.Key
	Record  store.Record
	Expires time.Time
}

// Reply has the results of each method of a store.
type Reply struct {
	Record  store.Record
	Version uint64
	Entries []store.Entry
	Failure int // number of the error in failures, from 1, or 0 for none
}

// failures are the errors that the contract of a store names.
var failures = []error{store.ErrExpired, store.ErrNotFound, store.ErrConflict, store.ErrCorrupt, store.ErrFull}

func (r *Reply) answer(err error) error {
	for i, failure := range failures {
		if errors.Is(err, failure) {
			r.Failure = i + 1
			return nil
		}
	}
	return err
}

type service struct{ store store.Store }

func (s *service) Load(r Request, reply *Reply) (err error) {
	reply.Record, err = s.store.Load(context.Background(), r.Key)
	return reply.answer(err)
}

func (s *service) Save(r Request, reply *Reply) (err error) {
	reply.Version, err = s.store.Save(context.Background(), r.Key, r.Record)
	return reply.answer(err)
}

func (s *service) Touch(r Request, reply *Reply) error {
	return reply.answer(s.store.Touch(context.Background(), r.Key, r.Expires))
}

func (s *service) Delete(r Request, reply *Reply) error {
	return reply.answer(s.store.Delete(context.Background(), r.Key))
}

func (s *service) All(_ Request, reply *Reply) error {
	lister, ok := s.store.(store.Lister)
	if !ok {
		return errors.ErrUnsupported
	}
	for e, err := range lister.All(context.Background()) {
		if err != nil {
			return err
		}
		reply.Entries = append(reply.Entries, e)
	}
	return nil
}

// Store is a store that another process serves.
type Store struct{ client *rpc.Client }

// Dial returns the store that is served at an address.
func Dial(address string) (*Store, error) {
	client, err := rpc.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &Store{client}, nil
}

func (s *Store) call(ctx context.Context, method string, r Request) (Reply, error) {
	var reply Reply
	call := s.client.Go("Store."+method, r, &reply, make(chan *rpc.Call, 1))
	select {
	case <-call.Done:
	case <-ctx.Done():
		return Reply{}, ctx.Err() // the call may still write to reply
	}
	if call.Error == nil && reply.Failure > 0 {
		return reply, failures[reply.Failure-1]
	}
	return reply, call.Error
}

// Load implements [store.Store].
func (s *Store) Load(ctx context.Context, k store.Key) (store.Record, error) {
	reply, err := s.call(ctx, "Load", Request{Key: k})
	return reply.Record, err
}

// Save implements [store.Store].
func (s *Store) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	reply, err := s.call(ctx, "Save", Request{Key: k, Record: r})
	return reply.Version, err
}

// Touch implements [store.Store].
func (s *Store) Touch(ctx context.Context, k store.Key, expires time.Time) error {
	_, err := s.call(ctx, "Touch", Request{Key: k, Expires: expires})
	return err
}

// Delete implements [store.Store].
func (s *Store) Delete(ctx context.Context, k store.Key) error {
	_, err := s.call(ctx, "Delete", Request{Key: k})
	return err
}

// All implements [store.Lister].
func (s *Store) All(ctx context.Context) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		reply, err := s.call(ctx, "All", Request{})
		if err != nil {
			yield(store.Entry{}, err)
			return
		}
		for _, e := range reply.Entries {
			if !yield(e, nil) {
				return
			}
		}
	}
}
