package main

import (
	"os"
	"testing"

	"github.com/sesame-go/sesame/cmd/sesame/engine/enginetest"
	"github.com/sesame-go/sesame/examples/internal/countertest"
)

func TestMain(m *testing.M) { countertest.Main(m, run) }

func TestPersistence(t *testing.T) {
	for name, place := range enginetest.Shared {
		t.Run(name, func(t *testing.T) { countertest.Persists(t, place(t), os.Kill) })
	}
}

func TestTwoProcesses(t *testing.T) {
	for name, place := range enginetest.Shared {
		t.Run(name, func(t *testing.T) { countertest.Shares(t, place(t)) })
	}
}
