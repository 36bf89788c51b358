// Package evolving tests what docs/EVOLVING.md says about programs that change while
// their sessions live. It builds the programs in the directory builds, which are
// versions of one program, and sends the requests of one browser to several of them,
// which share a store.
package evolving
