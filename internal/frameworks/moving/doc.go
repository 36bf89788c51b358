// Package moving has no code but tests: the programs of docs/MOVING.md, which
// import the sessions of other libraries, are tried here with the real ones.
package moving
