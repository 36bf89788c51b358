module github.com/sesame-go/sesame/adapters/connect

go 1.26.0

require (
	connectrpc.com/connect v1.21.1
	github.com/sesame-go/sesame v0.1.0
	github.com/stretchr/testify v1.12.1
	google.golang.org/protobuf v1.36.11
)

require (
	github.com/vmihailenco/msgpack/v5 v5.4.1 // indirect
	github.com/vmihailenco/tagparser/v2 v2.0.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
)

replace github.com/sesame-go/sesame => ../..
