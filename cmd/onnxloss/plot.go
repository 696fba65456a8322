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

// plotFlags are the flags of losses that have to do with pictures.
func plotFlags() []cli.Flag {
	const category = "A picture"
	flags := []cli.Flag{
		&cli.StringFlag{Category: category, Name: "plot", Usage: "draw loss and gradient of NAME…, positive and negative side by side, into `FILE`: .svg, .png or .pdf"},
		&cli.StringSliceFlag{Category: category, Name: "set", Usage: "draw each loss that has the parameter with each value, as `PARAMETER=V,V,…`; --gamma V,V,… and the like are short for it"},
		&cli.StringFlag{Category: category, Name: "by", Value: string(curves.Probability), Usage: "draw over `AXIS`: p, the probability of the class, or logit"},
		&cli.IntFlag{Category: category, Name: "classes", Value: 2, Usage: "draw a softmax over `N` classes, of which all but one have the same logit"},
		&cli.StringFlag{Category: category, Name: "title", Usage: "write `TEXT` above the picture"},
		&cli.StringFlag{Category: category, Name: "size", Usage: "draw it `WxH` inches wide and high, or W wide (default 10, and as high as its legend needs)"},
		&cli.BoolFlag{Category: category, Name: "force", Usage: "overwrite FILE if it exists"},
		quietFlag,
	}
	for _, name := range allParams() {
		flags = append(flags, &cli.StringFlag{Name: flagName(name), Hidden: true})
	}
	return flags
}

// allParams is the names of all parameters that any loss has.
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

// plotNames is what is drawn if no loss is named: figure 1 of the paper on the
// focal loss (arXiv 1708.02002), which has no α.
var plotNames = []string{"bce", "sigmoid-focal:alpha=-1:gamma=0.5", "sigmoid-focal:alpha=-1:gamma=1", "sigmoid-focal:alpha=-1:gamma=2", "sigmoid-focal:alpha=-1:gamma=5"}

// plotLosses draws the losses named by words into the file that --plot gives.
func plotLosses(c *cli.Context, words []string) error {
	path := c.String("plot")
	format := strings.ToLower(strings.TrimPrefix(filepath.Ext(path), "."))
	by := curves.Axis(c.String("by"))
	switch {
	case !slices.Contains(curves.Formats, format):
		return usagef("--plot %q: want a file that ends in one of .%s", path, strings.Join(curves.Formats, ", ."))
	case by != curves.Probability && by != curves.Logit:
		return usagef("--by %q: want %s or %s", by, curves.Probability, curves.Logit)
	case c.Int("classes") < 2 || c.Int("classes") > maxSlice:
		return usagef("--classes %d: a softmax is drawn over 2 to %d", c.Int("classes"), maxSlice)
	case c.Bool("json"):
		return usagef("--plot and --json: a picture is no JSON")
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

// pictureSize reads W or WxH in inches; 0 is what is not given.
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
			return 0, 0, usagef("--size %q: want inches as 10x8 or 10, each from %d to %d", text, curves.LeastSize, curves.GreatestSize)
		}
	}
	return width, height, nil
}

// maxSlice bounds the classes of a softmax that is drawn.
const maxSlice = 10000

// plotCurves is one curve for each loss and choice of its parameters.
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
			return nil, usagef("more than %d curves, which nobody can tell apart; draw fewer", curves.Most)
		}
	}
	for _, s := range sets {
		if !used[s.name] {
			return nil, usagef("--set %s: none of the losses has the parameter; see onnxloss losses NAME", s.name)
		}
	}
	return list, nil
}

// values are what --set gives to one parameter.
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
				return nil, usagef("--set %s: %q is no number", w, text)
			}
			s.x = append(s.x, x)
		}
		if !ok || name == "" || len(s.x) == 0 {
			return nil, usagef("--set %q: want PARAMETER=NUMBER,NUMBER,…", w)
		}
		sets = append(sets, s)
	}
	return sets, nil
}

// vary is o, typed as word, with each choice of the sets' values that it has a
// parameter for. What it takes goes into used.
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
			return nil, usagef("%s: more than %d curves, which nobody can tell apart; draw fewer", word, curves.Most)
		}
	}
	return list, nil
}

// greek is parameters as papers write them.
var greek = strings.NewReplacer("alpha", "α", "beta", "β", "gamma", "γ", "epsilon", "ε", "eps", "ε", "tau", "τ", "-pos", "+", "-neg", "−")

// newCurve is a curve with all its parameters in the label. Counts of classes
// that a loss wants are equal.
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

// checkFile refuses an output that exists, before any work.
func checkFile(path string, force bool) error {
	st, err := os.Stat(path)
	switch {
	case err != nil:
		return nil // the writer will tell
	case st.IsDir():
		return fmt.Errorf("%s: is a folder", path)
	case !force:
		return fmt.Errorf("%s: exists; give --force to overwrite it", path)
	}
	return nil
}
