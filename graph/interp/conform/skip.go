package conform

import (
	_ "embed"
	"maps"
	"strings"
	"sync"
)

//go:embed skip.txt
var skipList string

//go:embed skip_newer.txt
var skipNewer string

//go:embed skip_double.txt
var skipDouble string

// Skips is every case of ONNX 1.12 that does not pass, by name, with the
// reason. The list, skip.txt, may only shrink.
var Skips = sync.OnceValue(func() map[string]string { return readSkips(skipList) })

// allSkips is Skips and the cases of later versions, skip_newer.txt.
var allSkips = sync.OnceValue(func() map[string]string {
	m := readSkips(skipNewer)
	maps.Copy(m, Skips())
	return m
})

// doubleSkips is the cases that hold in float32 only.
var doubleSkips = sync.OnceValue(func() map[string]string { return readSkips(skipDouble) })

func readSkips(list string) map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(list) {
		name, reason, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if ok {
			m[name] = reason
		}
	}
	return m
}

// Skip is why the case of the given name need not pass, where float32 is
// computed as float64 if double; "" if it must.
func Skip(name string, double bool) string {
	reason := allSkips()[name]
	if reason == "" && double {
		reason = doubleSkips()[name]
	}
	return reason
}
