package codec_test

import (
	"fmt"

	"github.com/sesame-go/sesame/codec"
)

type Session struct {
	User  string         `json:"user"`
	Cart  map[string]int `json:"cart"`
	Admin bool           `json:"admin"`
}

func Example() {
	s := Session{User: "ada", Cart: map[string]int{"tea": 2, "milk": 1}}

	data, err := codec.JSON.Append(nil, &s)
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s\n", data)

	var loaded Session
	if err := codec.JSON.Decode(data, &loaded); err != nil {
		panic(err)
	}
	fmt.Println(loaded.User, loaded.Cart)

	data, _ = codec.MsgPack.Append(nil, &s)
	fmt.Println(len(data), "bytes as MessagePack")

	// Output:
	// {"user":"ada","cart":{"milk":1,"tea":2},"admin":false}
	// ada map[milk:1 tea:2]
	// 34 bytes as MessagePack
}
