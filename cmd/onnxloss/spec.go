package main

import (
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/onnxloss/onnxloss/emit/loss"
)

// parseSpec parses a loss and its parameters in one word, NAME:PARAM=NUMBER:…;
// specKeys lists the parameters.
func parseSpec(word string) (loss.Options, error) {
	parts := strings.Split(word, ":")
	l, err := findLoss(parts[0])
	if err != nil {
		return loss.Options{}, err
	}
	o := loss.Options{Name: l.Name, Params: map[string]float64{}}
	for _, p := range parts[1:] {
		key, text, ok := strings.Cut(p, "=")
		x, err := strconv.ParseFloat(text, 64)
		if !ok || err != nil {
			return o, usagef("%s: %q: expected PARAMETER=NUMBER", word, p)
		}
		if o, err = with(o, l, key, x); err != nil {
			return o, usagef("%s: %v", word, err)
		}
	}
	return o, nil
}

// someClasses is a number of classes that every loss accepts.
const someClasses = 3

// with returns o with a parameter of l, or a numeric option, set to x.
func with(o loss.Options, l *loss.Loss, key string, x float64) (loss.Options, error) {
	o.Params = maps.Clone(o.Params)
	name := strings.ReplaceAll(key, "-", "_")
	_, own := l.Param(name)
	switch {
	case own:
		o.Params[name] = x
	case name == "eps":
		o.Eps = x
	case name == "label_smoothing":
		o.LabelSmoothing = x
	case name == "modulate_gamma":
		m := modulation(o)
		m.Gamma = []float64{x}
		o.Modulate = &m
	case name == "modulate_alpha":
		m := modulation(o)
		m.Alpha = []float64{x}
		o.Modulate = &m
	default:
		return o, fmt.Errorf("no parameter %q; available: %s", key, strings.Join(specKeys(l), ", "))
	}
	plain := l.Plain(someClasses)
	check := o
	check.ClassCounts, check.Background = plain.ClassCounts, plain.Background
	_, err := check.Resolve(l.Kind, someClasses)
	return o, err
}

// modulation is that of o; without a γ it changes nothing.
func modulation(o loss.Options) loss.Modulation {
	if o.Modulate == nil {
		return loss.Modulation{Gamma: []float64{0}}
	}
	return *o.Modulate
}

// specKeys is what may stand behind the name of l in a word.
func specKeys(l *loss.Loss) []string {
	keys := append(paramNames(l), "eps", "label-smoothing")
	if l.Terms != nil {
		keys = append(keys, "modulate-gamma", "modulate-alpha")
	}
	return keys
}

func paramNames(l *loss.Loss) []string {
	var names []string
	for _, p := range l.Params {
		names = append(names, flagName(p.Name))
	}
	return names
}

// splitSpecs is a list of words between commas.
func splitSpecs(list string) []string {
	var words []string
	for _, w := range strings.Split(list, ",") {
		if w = strings.TrimSpace(w); w != "" {
			words = append(words, w)
		}
	}
	return words
}
