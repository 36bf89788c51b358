// Package moving has only tests. They run the programs of docs/MOVING.md, which import
// the sessions of other libraries, with those libraries.
package moving
