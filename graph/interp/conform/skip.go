package conform

import (
	_ "embed"
	"strings"
	"sync"
)

//go:embed skip.txt
var skipList string

var skips = sync.OnceValue(func() map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(skipList) {
		name, reason, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if ok {
			m[name] = reason
		}
	}
	return m
})

// Skip is why the case of the given name is not run; "" if it is.
func Skip(name string) string { return skips()[name] }
