module github.com/sesame-go/sesame/adapters/echo

go 1.26.0

require (
	github.com/labstack/echo/v5 v5.4.5
	github.com/sesame-go/sesame v0.1.0
	github.com/stretchr/testify v1.12.1
)

require (
	github.com/vmihailenco/msgpack/v5 v5.4.1 // indirect
	github.com/vmihailenco/tagparser/v2 v2.0.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/time v0.15.0 // indirect
)

replace github.com/sesame-go/sesame => ../..
