package op

import "testing"

// TestNotRun: an operator with a row says there what becomes of channels.
func TestNotRun(t *testing.T) {
	for name := range notRun {
		for _, domain := range flowDomains {
			if Lookup(domain, name) != nil {
				t.Errorf("%s has a row", name)
			}
		}
	}
}
