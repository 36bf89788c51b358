package main

import (
	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/codec/cborcodec"
)

type session struct{ Times int }

var sessions = sesame.New[session](sesame.WithCodec(cborcodec.CBOR))

func main() { _ = sessions }
