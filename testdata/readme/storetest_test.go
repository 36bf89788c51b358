package documented

import (
	"testing"

	"github.com/sesame-go/sesame/store"
	mystore "github.com/sesame-go/sesame/store/memstore"
	"github.com/sesame-go/sesame/store/storetest"
)

// The block.
