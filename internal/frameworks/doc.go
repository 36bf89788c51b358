// Package frameworks has no code but tests: what docs/FRAMEWORKS.md says of
// routers, frameworks and HTTP/3 is tried here with the real ones.
package frameworks
