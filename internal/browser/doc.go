// Package browser has only tests. They try sesame's promises about cookies, concurrent
// requests and device binding in a real browser, Chromium, and the operator's page of
// package inspect.
package browser
