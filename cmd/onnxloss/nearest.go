package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/xrash/smetrics"
)

// most is how many names are suggested.
const most = 6

// nearest lists the names that may have been meant by one that is not among
// them, the nearest first: those that a typo tells apart, else those that have it
// for a part.
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

// isSwapped reports whether a is b but for two neighbouring letters that changed places.
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

// hasWord reports whether one of name's words is word, but for a letter.
func hasWord(name, word string) bool {
	return slices.ContainsFunc(strings.Split(name, "-"), func(w string) bool {
		return len(w) > 2 && smetrics.WagnerFischer(word, w, 1, 1, 1) <= 1
	})
}

// didYouMean asks whether the nearest of names was meant by name, or says
// otherwise where none is near.
func didYouMean(name string, names []string, otherwise string) string {
	near := nearest(name, names)
	if near == nil {
		return otherwise
	}
	return fmt.Sprintf("did you mean %s?", strings.Join(near, ", "))
}

// whichLoss says which of the losses named was meant by name, else which there are.
func whichLoss(name string, names []string) string {
	near := didYouMean(name, names, "")
	if near == "" {
		return "there are " + strings.Join(names, ", ")
	}
	return near + " onnxloss losses lists them all"
}
