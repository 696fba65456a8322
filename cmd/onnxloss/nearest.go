package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/xrash/smetrics"
)

// most is how many names are given.
const most = 6

// nearest says which of names was meant by one that is not among them, else
// which names there are.
func nearest(name string, names []string) string {
	type match struct {
		name string
		edit int
	}
	name = strings.ToLower(strings.ReplaceAll(name, "_", "-"))
	var near []match
	for _, n := range names {
		if len(name) > 2*len(n) {
			continue
		}
		edit := smetrics.WagnerFischer(name, n, 1, 1, 1)
		if edit <= max(1, len(n)/4) || len(name) > 2 && (strings.Contains(n, name) || hasWord(n, name)) {
			near = append(near, match{n, edit})
		}
	}
	if near == nil {
		return "there are " + strings.Join(names, ", ")
	}
	slices.SortStableFunc(near, func(a, b match) int { return a.edit - b.edit })
	var meant []string
	for _, m := range near[:min(most, len(near))] {
		meant = append(meant, m.name)
	}
	return fmt.Sprintf("did you mean %s? onnxloss losses lists them all", strings.Join(meant, ", "))
}

// hasWord reports whether one of name's words is word, but for a letter.
func hasWord(name, word string) bool {
	return slices.ContainsFunc(strings.Split(name, "-"), func(w string) bool {
		return len(w) > 2 && smetrics.WagnerFischer(word, w, 1, 1, 1) <= 1
	})
}
