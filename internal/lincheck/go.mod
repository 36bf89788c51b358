module github.com/sesame-go/sesame/internal/lincheck

go 1.26

replace github.com/sesame-go/sesame => ../..

require (
	github.com/anishathalye/porcupine v1.3.1
	github.com/sesame-go/sesame v0.1.0
)
