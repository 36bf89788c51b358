// Command recoded is the program with another codec.
package main

import (
	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/codec"
	"github.com/sesame-go/sesame/codec/cborcodec"
	"github.com/sesame-go/sesame/internal/evolving/program"
)

func main() { program.RunBase(sesame.WithCodec(cborcodec.CBOR, codec.MsgPack)) }
