// Package frameworks has only tests. They try what docs/FRAMEWORKS.md says about
// routers, frameworks and HTTP/3 with the real ones.
package frameworks
