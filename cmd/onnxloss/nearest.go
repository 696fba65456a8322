package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/xrash/smetrics"
)

// most is the greatest number of suggestions.
const most = 6

// nearest lists the names that a mistyped one may have meant, the nearest first:
// those within a typo's distance, or if there are none, those that contain it.
func nearest(name string, names []string) []string {
	type match struct {
		name string
		edit int
	}
	name = strings.ToLower(strings.ReplaceAll(name, "_", "-"))
	var typos, parts []match
	for _, n := range names {
		if len(name) > 2*len(n) {
			continue
		}
		m := match{n, smetrics.WagnerFischer(name, n, 1, 1, 1)}
		if isSwapped(name, n) {
			m.edit = 1
		}
		switch {
		case m.edit <= max(1, len(n)/3):
			typos = append(typos, m)
		case len(name) > 2 && (strings.Contains(n, name) || hasWord(n, name)):
			parts = append(parts, m)
		}
	}
	near := typos
	if near == nil {
		near = parts
	}
	slices.SortStableFunc(near, func(a, b match) int { return a.edit - b.edit })
	var meant []string
	for _, m := range near[:min(most, len(near))] {
		meant = append(meant, m.name)
	}
	return meant
}

// isSwapped reports whether a is b with two neighbouring characters swapped.
func isSwapped(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	return i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
}

// hasWord reports whether one of name's words differs from word by at most one character.
func hasWord(name, word string) bool {
	return slices.ContainsFunc(strings.Split(name, "-"), func(w string) bool {
		return len(w) > 2 && smetrics.WagnerFischer(word, w, 1, 1, 1) <= 1
	})
}

// didYouMean asks whether name stands for the nearest of names; it returns
// otherwise if none is near.
func didYouMean(name string, names []string, otherwise string) string {
	near := nearest(name, names)
	if near == nil {
		return otherwise
	}
	return fmt.Sprintf("did you mean %s?", strings.Join(near, ", "))
}

// whichLoss suggests losses for a mistyped name, or lists them all.
func whichLoss(name string, names []string) string {
	near := didYouMean(name, names, "")
	if near == "" {
		return "available: " + strings.Join(names, ", ")
	}
	return near + " onnxloss losses lists them all"
}
