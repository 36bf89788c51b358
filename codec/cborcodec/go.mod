module github.com/sesame-go/sesame/codec/cborcodec

go 1.26.0

replace github.com/sesame-go/sesame => ../..

require (
	github.com/fxamacker/cbor/v2 v2.10.0
	github.com/sesame-go/sesame v0.1.0
	github.com/stretchr/testify v1.12.1
)

require (
	github.com/vmihailenco/msgpack/v5 v5.4.1 // indirect
	github.com/vmihailenco/tagparser/v2 v2.0.0 // indirect
	github.com/x448/float16 v0.8.4 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
)
