// Package bench compares sesame's stores with each other and with engines that
// it does not use. It is a module of its own, so that nobody else needs those.
//
//	go test -run '^$' -bench Embedded ./bench
package bench
