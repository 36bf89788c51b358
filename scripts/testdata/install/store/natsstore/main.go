package main

import (
	"context"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store/natsstore"
)

type session struct{ Times int }

func open(ctx context.Context, js jetstream.JetStream) (*sesame.Manager[session], error) {
	s, err := natsstore.Open(ctx, js)
	if err != nil {
		return nil, err
	}
	return sesame.New[session](sesame.WithStore(s)), nil
}

func main() { _ = open }
