module github.com/sesame-go/sesame/store/redisstore/redistest

go 1.26.0

replace (
	github.com/sesame-go/sesame => ../../..
	github.com/sesame-go/sesame/internal/testtools => ../../../internal/testtools
	github.com/sesame-go/sesame/store/redisstore/goredis => ../goredis
	github.com/sesame-go/sesame/store/redisstore/rueidis => ../rueidis
)

require (
	github.com/redis/go-redis/v9 v9.23.0
	github.com/redis/rueidis v1.0.79
	github.com/sesame-go/sesame v0.1.0
	github.com/sesame-go/sesame/internal/testtools v0.1.0
	github.com/sesame-go/sesame/store/redisstore/goredis v0.1.0
	github.com/sesame-go/sesame/store/redisstore/rueidis v0.1.0
	github.com/stretchr/testify v1.12.1
)

require (
	github.com/anishathalye/porcupine v1.3.1 // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/vmihailenco/msgpack/v5 v5.4.1 // indirect
	github.com/vmihailenco/tagparser/v2 v2.0.0 // indirect
	go.uber.org/atomic v1.12.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/sys v0.48.0 // indirect
)
