// Command recoding is the program that can also read the next codec.
package main

import (
	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/codec"
	"github.com/sesame-go/sesame/codec/cborcodec"
	"github.com/sesame-go/sesame/internal/evolving/program"
)

func main() { program.RunBase(sesame.WithCodec(codec.MsgPack, cborcodec.CBOR)) }
