module github.com/sesame-go/sesame/store/redisstore/rueidis

go 1.26.0

replace github.com/sesame-go/sesame => ../../..

require (
	github.com/redis/rueidis v1.0.79
	github.com/sesame-go/sesame v0.1.0
	github.com/stretchr/testify v1.12.1
)

require (
	github.com/vmihailenco/msgpack/v5 v5.4.1 // indirect
	github.com/vmihailenco/tagparser/v2 v2.0.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/sys v0.47.0 // indirect
)
