// Package evolving tests what docs/EVOLVING.md says of programs that change
// while their sessions live: it builds the programs in the directory builds,
// each another version of one program, and sends the requests of one browser to
// several of them, which share a store.
package evolving
