package conform

import (
	_ "embed"
	"strings"
	"sync"
)

//go:embed skip.txt
var skipList string

// Skips is every case that is not run, by name, with the reason. The list,
// skip.txt, may only shrink.
var Skips = sync.OnceValue(func() map[string]string {
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
func Skip(name string) string { return Skips()[name] }
