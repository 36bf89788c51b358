package main

import (
	"github.com/redis/go-redis/v9"
	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store/redisstore"
	"github.com/sesame-go/sesame/store/redisstore/goredis"
)

type session struct{ Times int }

func main() {
	client := redis.NewClient(&redis.Options{Addr: "localhost:6379"})
	_ = sesame.New[session](sesame.WithStore(redisstore.New(goredis.New(client))))
}
