package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/urfave/cli/v2"
)

// rewriteError turns options that the model or the loss cannot serve into
// usage errors.
func rewriteError(path string, err error) error {
	var open *emit.OpenClassesError
	var bad *loss.OptionError
	var none *emit.NoObjectnessError
	var numbers *emit.NoDistributionError
	switch {
	case errors.As(err, &open):
		return fmt.Errorf("%s: %w; --classes N fixes it", title(path), err)
	case errors.As(err, &bad):
		return usagef("--%v", bad)
	case errors.As(err, &none):
		return usagef("--confidence: %v", none)
	case errors.As(err, &numbers):
		return usagef("--box: %v", numbers)
	}
	return fmt.Errorf("%s: %w", title(path), err)
}

func rewriteOptions(c *cli.Context) (emit.Options, error) {
	o := emit.Options{Form: emit.Form(c.String("form")), Confidence: c.String("confidence"), Box: c.String("box"), AsFunction: c.Bool("as-function")}
	name := c.String("loss")
	if name == "" {
		return o, usagef("--loss NAME is missing; available: %s", strings.Join(loss.Names(loss.Classification), ", "))
	}
	if !slices.Contains(emit.Forms, o.Form) {
		return o, usagef("--form %q: expected %s", o.Form, strings.Join(formNames(), " or "))
	}
	if d := c.String("dtype"); d != "" {
		var ok bool
		if o.DType, ok = tensor.ParseDType(d); !ok || !slices.Contains(emit.DTypes, o.DType) {
			return o, usagef("--dtype %q: expected float16, float32 or float64", d)
		}
	}
	o.Loss = loss.Options{
		Name: name, Eps: c.Float64("eps"), Target: c.String("target"), Reduction: c.String("reduction"),
		LabelSmoothing: c.Float64("label-smoothing"), AnchorWeights: c.Bool("anchor-weights"), CheckTargets: c.Bool("check-targets"), Params: map[string]float64{},
	}
	l, err := loss.Find(loss.Classification, name)
	if err != nil {
		return o, noClassLoss(name)
	}
	if o.Box != "" {
		if _, err := loss.Find(loss.Box, o.Box); err != nil {
			return o, usagef("--box %q: expected %s", o.Box, strings.Join(loss.Names(loss.Box), " or "))
		}
	}
	if o.Confidence != "" {
		if _, err := loss.Find(loss.Confidence, o.Confidence); err != nil {
			return o, usagef("--confidence %q: expected %s", o.Confidence, strings.Join(loss.Names(loss.Confidence), " or "))
		}
	}
	if c.IsSet("ignore-index") {
		k := c.Int64("ignore-index")
		o.Loss.IgnoreIndex = &k
	}
	if c.IsSet("background") {
		k := c.Int("background")
		o.Loss.Background = &k
	}
	for _, other := range loss.All() {
		for _, p := range other.Params {
			if c.IsSet(flagName(p.Name)) {
				o.Loss.Params[p.Name] = c.Float64(flagName(p.Name))
			}
		}
	}
	if err := eachClass(c, &o.Loss); err != nil {
		return o, err
	}
	if o.Loss.ClassWeights, err = classNumbers(c, "class-weights"); err != nil {
		return o, err
	}
	if o.Loss.ClassCounts, err = classNumbers(c, "class-counts"); err != nil {
		return o, err
	}
	check, classes := o.Loss, 1<<20
	check.ClassWeights = nil // their number is known once the head is
	if check.Background == nil {
		check.Background = new(int) // likewise
	}
	if n := numbers(check); n > 0 {
		classes = n
	}
	if _, err := check.Resolve(loss.Classification, classes); err != nil {
		return o, usagef("--%v; see onnxloss losses %s and onnxloss rewrite --help", err, l.Name)
	}
	return o, nil
}

// noClassLoss is the error if --loss is not a classification loss: perhaps it is one of
// another kind.
func noClassLoss(name string) error {
	for kind, flag := range map[loss.Kind]string{loss.Confidence: "confidence", loss.Box: "box"} {
		if l, err := loss.Find(kind, name); err == nil {
			return usagef("--loss %q: a %v loss, which --%s adds; --loss takes a classification loss", name, l.Kind, flag)
		}
	}
	return usagef("--loss %q: no such loss; %s", name, whichLoss(name, loss.Names(loss.Classification)))
}

// eachClass reads the options that have one number per class.
func eachClass(c *cli.Context, o *loss.Options) error {
	for _, name := range loss.PerClassNames() {
		x, err := classNumbers(c, flagName(name)+perClassSuffix)
		if err != nil {
			return err
		}
		if x != nil {
			if o.PerClass == nil {
				o.PerClass = map[string][]float64{}
			}
			o.PerClass[name] = x
		}
	}
	if !c.IsSet("modulate") {
		return nil
	}
	o.Modulate = &loss.Modulation{}
	for _, word := range strings.Split(c.String("modulate"), ",") {
		name, value, _ := strings.Cut(word, "=")
		x := []float64{0}
		var err error
		if x[0], err = strconv.ParseFloat(value, 64); err != nil {
			if value == "" || filepath.Ext(value) == "" {
				return usagef("--modulate %q: expected gamma=NUMBER or gamma=FILE, and optionally alpha in the same form", word)
			}
			if x, err = readNumbers(value, name); err != nil {
				return err
			}
		}
		switch name {
		case "gamma":
			o.Modulate.Gamma = x
		case "alpha":
			o.Modulate.Alpha = x
		default:
			return usagef("--modulate %q: only gamma and alpha can be set", word)
		}
	}
	if o.Modulate.Gamma == nil {
		return usagef("--modulate %q: gamma is missing", c.String("modulate"))
	}
	return nil
}

// numbers is the number of classes for which o has numbers, before the head is known; 0
// if it has none.
func numbers(o loss.Options) int {
	n := len(o.ClassCounts)
	for _, x := range o.PerClass {
		n = max(n, len(x))
	}
	if m := o.Modulate; m != nil {
		for _, x := range [][]float64{m.Gamma, m.Alpha} {
			if len(x) > 1 {
				n = max(n, len(x))
			}
		}
	}
	return n
}

// classNumbers reads the file of a flag: one number per class.
func classNumbers(c *cli.Context, flag string) ([]float64, error) {
	path := c.String(flag)
	if path == "" {
		return nil, nil
	}
	return readNumbers(path, strings.ReplaceAll(flag, "-", "_"))
}

// readNumbers reads a .json list, or a vector: of a .npz, the one called name.
func readNumbers(path, name string) ([]float64, error) {
	if strings.ToLower(filepath.Ext(path)) == ".json" {
		return readList(path)
	}
	t, err := readTensor(path, name, graph.Type{})
	if err != nil {
		return nil, err
	}
	w := op.Floats(t)
	if name == "class_counts" && t.DType == tensor.Int64 {
		for _, n := range tensor.Data[int64](t) {
			w = append(w, float64(n))
		}
	}
	if w == nil || t.Rank() != 1 {
		return nil, fmt.Errorf("%s: got %v, expected a vector of floats", path, t)
	}
	return w, nil
}

// readList reads a list of numbers in JSON.
func readList(path string) ([]float64, error) {
	data, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	var w []float64
	if err := json.Unmarshal(data, &w); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return w, nil
}

// formNames lists the forms that can be emitted.
func formNames() []string {
	names := make([]string, len(emit.Forms))
	for i, f := range emit.Forms {
		names[i] = string(f)
	}
	return names
}
