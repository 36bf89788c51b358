package main

import (
	valkey "github.com/redis/rueidis"
	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store/redisstore"
	"github.com/sesame-go/sesame/store/redisstore/rueidis"
)

type session struct{ Times int }

func main() {
	client, err := valkey.NewClient(valkey.ClientOption{InitAddress: []string{"localhost:6379"}})
	if err != nil {
		panic(err)
	}
	_ = sesame.New[session](sesame.WithStore(redisstore.New(rueidis.New(client))))
}
