package faultproxy

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCutRequest(t *testing.T) {
	s := newServer(t)
	p := newProxy(t, s)
	c := dial(t, p)
	sprung := p.CutRequest("Set", 2)
	c.answers(t, "get 1")
	c.answers(t, "SET 2")
	c.answers(t, "get 3")
	select {
	case <-sprung:
		t.Fatal("too early")
	default:
	}
	_, err := c.ask("set 4")
	require.Error(t, err)
	<-sprung
	c = dial(t, p)
	c.answers(t, "set 5") // once only
	require.Equal(t, "get 1 SET 2 get 3 set 5", s.heard())
}

func TestCutReply(t *testing.T) {
	s := newServer(t)
	p := newProxy(t, s)
	c := dial(t, p)
	sprung := p.CutReply("set", 1)
	c.answers(t, "get 1")
	_, err := c.ask("set 2")
	require.Error(t, err)
	<-sprung
	require.Equal(t, "get 1 set 2", s.heard(), "its effect is there")
	dial(t, p).answers(t, "set 3")
}

func TestHold(t *testing.T) {
	s := newServer(t)
	p := newProxy(t, s)
	c, other := dial(t, p), dial(t, p)
	arrived, release := p.Hold("set", 1)
	require.NoError(t, c.send("set 1"))
	<-arrived
	other.answers(t, "set 2")
	c.silent(t)
	release()
	release()
	line, err := c.receive()
	require.NoError(t, err)
	require.Equal(t, "set 1", line)
	require.Equal(t, "set 2 set 1", s.heard())

	arrived, _ = p.Hold("set", 1)
	require.NoError(t, c.send("set 3"))
	<-arrived
	p.Heal()
	_, err = c.receive()
	require.NoError(t, err)

	// One that is held is cut like any other.
	arrived, release = p.Hold("set", 1)
	require.NoError(t, c.send("set 4"))
	<-arrived
	p.Cut()
	release()
	_, err = c.receive()
	require.Error(t, err)
	dial(t, p).answers(t, "set 5")
	require.Equal(t, "set 2 set 1 set 3 set 5", s.heard())
}

func TestAmbushesOfOneText(t *testing.T) {
	s := newServer(t)
	p := newProxy(t, s)
	first, second := p.CutRequest("set", 1), p.CutReply("set", 1)
	_, err := dial(t, p).ask("set 1")
	require.Error(t, err)
	<-first
	_, err = dial(t, p).ask("set 2")
	require.Error(t, err)
	<-second
	require.Equal(t, "set 2", s.heard())
}
