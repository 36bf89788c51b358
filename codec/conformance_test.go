package codec_test

import (
	"testing"

	"github.com/sesame-go/sesame/codec"
	"github.com/sesame-go/sesame/codec/codectest"
)

func TestMsgPackConforms(t *testing.T) { codectest.Run(t, codec.MsgPack) }

func TestJSONConforms(t *testing.T) { codectest.Run(t, codec.JSON) }
