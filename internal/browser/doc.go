// Package browser has no code but tests: what sesame promises about cookies and
// about requests in flight is tried here in a real browser, Chromium, and so is
// the operator's page of package inspect.
package browser
