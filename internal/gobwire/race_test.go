//go:build race

package gobwire

const raceEnabled = true
