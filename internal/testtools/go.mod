module github.com/sesame-go/sesame/internal/testtools

go 1.26

replace github.com/sesame-go/sesame => ../..

require (
	github.com/anishathalye/porcupine v1.3.1
	github.com/sesame-go/sesame v0.1.0
	github.com/stretchr/testify v1.12.1
)

require (
	github.com/vmihailenco/msgpack/v5 v5.4.1 // indirect
	github.com/vmihailenco/tagparser/v2 v2.0.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
)
