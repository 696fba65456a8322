package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/onnxloss/onnxloss/emit/curves"
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/urfave/cli/v2"
)

// plotFlags are the flags of losses that concern plots.
func plotFlags() []cli.Flag {
	const category = "Plot"
	flags := []cli.Flag{
		&cli.StringFlag{Category: category, Name: "plot", Usage: "plot loss and gradient of each NAME, positives and negatives side by side, to `FILE`: .svg, .png or .pdf"},
		&cli.StringSliceFlag{Category: category, Name: "set", Usage: "plot each loss with each of these values of a parameter, as `PARAMETER=V,V,…`; --gamma V,V,… and so on is short for --set gamma=V,V,…"},
		&cli.StringFlag{Category: category, Name: "by", Value: string(curves.Probability), Usage: "horizontal `AXIS`: p (the probability of the class) or logit"},
		&cli.IntFlag{Category: category, Name: "classes", Value: 2, Usage: "plot softmax losses for `N` classes, all but one with the same logit"},
		&cli.StringFlag{Category: category, Name: "title", Usage: "put `TEXT` above the plot"},
		&cli.StringFlag{Category: category, Name: "size", Usage: "size in inches, `WxH` or just W (default 10, with the height that the legend needs)"},
		&cli.BoolFlag{Category: category, Name: "force", Usage: "overwrite FILE if it exists"},
		quietFlag,
	}
	for _, name := range allParams() {
		flags = append(flags, &cli.StringFlag{Name: flagName(name), Hidden: true})
	}
	return flags
}

// allParams is the names of the parameters of all losses.
func allParams() []string {
	var names []string
	for _, l := range loss.All() {
		for _, p := range l.Params {
			names = append(names, p.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// plotNames is what is plotted if no loss is named: figure 1 of the
// focal loss paper (arXiv 1708.02002), which has no α.
var plotNames = []string{"bce", "sigmoid-focal:alpha=-1:gamma=0.5", "sigmoid-focal:alpha=-1:gamma=1", "sigmoid-focal:alpha=-1:gamma=2", "sigmoid-focal:alpha=-1:gamma=5"}

// plotLosses plots the losses given by words to the file given by --plot.
func plotLosses(c *cli.Context, words []string) error {
	path := c.String("plot")
	format := strings.ToLower(strings.TrimPrefix(filepath.Ext(path), "."))
	by := curves.Axis(c.String("by"))
	switch {
	case !slices.Contains(curves.Formats, format):
		return usagef("--plot %q: expected a file name ending in one of .%s", path, strings.Join(curves.Formats, ", ."))
	case by != curves.Probability && by != curves.Logit:
		return usagef("--by %q: expected %s or %s", by, curves.Probability, curves.Logit)
	case c.Int("classes") < 2 || c.Int("classes") > maxSlice:
		return usagef("--classes %d: expected 2 to %d", c.Int("classes"), maxSlice)
	case c.Bool("json"):
		return usagef("--plot and --json cannot be combined")
	}
	o := curves.Options{Format: format, By: by, Title: c.String("title")}
	var err error
	if o.Width, o.Height, err = pictureSize(c.String("size")); err != nil {
		return err
	}
	list, err := plotCurves(c, words)
	if err != nil {
		return err
	}
	if err := checkFile(path, c.Bool("force")); err != nil {
		return err
	}
	if err := onnx.Replace(path, c.Bool("force"), func(f *os.File) error { return curves.Draw(f, list, o) }); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	say(c, "written   %s: %s", path, count(len(list), "curve"))
	return nil
}

// pictureSize parses W or WxH in inches; what is not given is 0.
func pictureSize(text string) (width, height float64, err error) {
	if text == "" {
		return 0, 0, nil
	}
	wide, high, both := strings.Cut(strings.ToLower(text), "x")
	width, err = strconv.ParseFloat(wide, 64)
	if err == nil && both {
		height, err = strconv.ParseFloat(high, 64)
	}
	for _, x := range []float64{width, height} {
		if err != nil || !(x >= curves.LeastSize && x <= curves.GreatestSize) && (both || x != 0) {
			return 0, 0, usagef("--size %q: expected inches as 10x8 or 10, each from %d to %d", text, curves.LeastSize, curves.GreatestSize)
		}
	}
	return width, height, nil
}

// maxSlice bounds the classes of a plotted softmax.
const maxSlice = 10000

// plotCurves is one curve for each loss and combination of parameters.
func plotCurves(c *cli.Context, words []string) ([]curves.Curve, error) {
	set := c.StringSlice("set")
	for _, name := range allParams() {
		if name = flagName(name); c.IsSet(name) {
			set = append(set, name+"="+c.String(name))
		}
	}
	sets, err := parseSets(set)
	if err != nil {
		return nil, err
	}
	if len(words) == 0 {
		words = plotNames
		if len(sets) > 0 {
			words = []string{"sigmoid-focal"}
		}
	}
	var list []curves.Curve
	used := map[string]bool{}
	for _, w := range words {
		o, err := parseSpec(w)
		if err != nil {
			return nil, err
		}
		variants, err := vary(o, w, sets, used)
		if err != nil {
			return nil, err
		}
		for _, v := range variants {
			curve, err := newCurve(v, c.Int("classes"))
			if err != nil {
				return nil, err
			}
			list = append(list, curve)
		}
		if len(list) > curves.Most {
			return nil, usagef("more than %d curves cannot be told apart; plot fewer", curves.Most)
		}
	}
	for _, s := range sets {
		if !used[s.name] {
			return nil, usagef("--set %s: none of these losses has this parameter; see onnxloss losses NAME", s.name)
		}
	}
	return list, nil
}

// values are the values that --set gives one parameter.
type values struct {
	name string
	x    []float64
}

func parseSets(words []string) ([]values, error) {
	var sets []values
	for _, w := range words {
		name, list, ok := strings.Cut(w, "=")
		s := values{name: strings.ReplaceAll(name, "_", "-")}
		for _, text := range splitSpecs(list) {
			x, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return nil, usagef("--set %s: %q is not a number", w, text)
			}
			s.x = append(s.x, x)
		}
		if !ok || name == "" || len(s.x) == 0 {
			return nil, usagef("--set %q: expected PARAMETER=NUMBER,NUMBER,…", w)
		}
		sets = append(sets, s)
	}
	return sets, nil
}

// vary is o, typed as word, with each combination of values from the sets whose
// parameters it has. It records the sets that apply in used.
func vary(o loss.Options, word string, sets []values, used map[string]bool) ([]loss.Options, error) {
	l, err := findLoss(o.Name)
	if err != nil {
		return nil, err
	}
	list := []loss.Options{o}
	for _, s := range sets {
		if !slices.Contains(specKeys(l), s.name) || s.name == "eps" && !l.Eps {
			continue
		}
		used[s.name] = true
		var more []loss.Options
		for _, v := range list {
			for _, x := range s.x {
				next, err := with(v, l, s.name, x)
				if err != nil {
					return nil, usagef("--set %s: %v", s.name, err)
				}
				more = append(more, next)
			}
		}
		if list = more; len(list) > curves.Most {
			return nil, usagef("%s: more than %d curves cannot be told apart; plot fewer", word, curves.Most)
		}
	}
	return list, nil
}

// greek is parameters as written in papers.
var greek = strings.NewReplacer("alpha", "α", "beta", "β", "gamma", "γ", "epsilon", "ε", "eps", "ε", "tau", "τ", "-pos", "+", "-neg", "−")

// newCurve is a curve with all its parameters in the label. Losses that need class counts
// get equal ones.
func newCurve(o loss.Options, classes int) (curves.Curve, error) {
	l, err := findLoss(o.Name)
	if err != nil {
		return curves.Curve{}, err
	}
	if l.Activation == loss.Sigmoid {
		classes = 1
	}
	plain := l.Plain(classes)
	if o.ClassCounts = plain.ClassCounts; plain.Background != nil {
		last := classes - 1
		o.Background = &last
	}
	if o, err = o.Resolve(l.Kind, classes); err != nil {
		return curves.Curve{}, usagef("%s: %v", o.Name, err)
	}
	label := o.Name
	for _, p := range l.Params {
		if p.Name == "alpha" && o.Params[p.Name] < 0 {
			continue // which stands for none
		}
		label += fmt.Sprintf(", %s = %s", greek.Replace(flagName(p.Name)), strings.ReplaceAll(fmt.Sprintf("%g", o.Params[p.Name]), "-", "−"))
	}
	if m := o.Modulate; m != nil {
		label += fmt.Sprintf(", modulated by γ = %g", m.Gamma[0])
		if m.Alpha != nil {
			label += fmt.Sprintf(", α = %g", m.Alpha[0])
		}
	}
	if o.Eps > 0 {
		label += fmt.Sprintf(", ε in log = %g", o.Eps)
	}
	return curves.Curve{Label: label, Options: o, Classes: classes}, nil
}

// checkFile refuses, before any work, an output that exists.
func checkFile(path string, force bool) error {
	st, err := os.Stat(path)
	switch {
	case err != nil:
		return nil // the writer will tell
	case st.IsDir():
		return fmt.Errorf("%s: is a directory", path)
	case !force:
		return fmt.Errorf("%s: already exists; --force overwrites it", path)
	}
	return nil
}
