module github.com/sesame-go/sesame

go 1.26

require (
	github.com/stretchr/testify v1.12.1
	github.com/vmihailenco/msgpack/v5 v5.4.1
	github.com/vmihailenco/tagparser/v2 v2.0.0
)

require go.yaml.in/yaml/v3 v3.0.5 // indirect
