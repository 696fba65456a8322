package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/urfave/cli/v2"
)

func lossesCommand() *cli.Command {
	return &cli.Command{
		Name:      "losses",
		Usage:     "list the losses, explain one, or plot several",
		ArgsUsage: "[NAME...]",
		Description: `In equations, z are the logits of one anchor, q its targets, and p the probabilities
given by the softmax or sigmoid of z.

  onnxloss losses
  onnxloss losses focal-softmax

With --plot it draws a picture, and each NAME may be followed by parameters.

  onnxloss losses --plot focal.svg
  onnxloss losses --plot variants.png ce modified-ce-softmax focal-softmax:gamma=2
  onnxloss losses --plot gamma.svg sigmoid-focal --set gamma=0,1,2,5`,
		Flags: append([]cli.Flag{jsonFlag}, plotFlags()...),
		Action: func(c *cli.Context) error {
			if c.IsSet("plot") {
				return plotLosses(c, c.Args().Slice())
			}
			for _, f := range plotFlags() {
				if name := f.Names()[0]; c.IsSet(name) {
					return usagef("--%s requires --plot FILE", name)
				}
			}
			list := loss.All()
			if c.NArg() > 1 {
				return usagef("expected at most one NAME, got %d; --plot FILE takes several", c.NArg())
			}
			if name := c.Args().First(); name != "" {
				l, err := findLoss(name)
				if err != nil {
					return err
				}
				list = []*loss.Loss{l}
			}
			switch {
			case c.Bool("json"):
				return printJSON(c, map[string]any{"losses": describeLosses(list)})
			case c.NArg() == 1:
				return explainLoss(c, list[0])
			}
			return listLosses(c, list)
		},
	}
}

// findLoss is the loss of any kind called name.
func findLoss(name string) (*loss.Loss, error) {
	for _, kind := range loss.Kinds {
		if l, err := loss.Find(kind, name); err == nil {
			return l, nil
		}
	}
	return nil, usagef("no loss is called %q; %s", name, whichLoss(name, lossNames()))
}

type lossRow struct {
	Name     string     `json:"name"`
	Kind     string     `json:"kind"`
	Equation string     `json:"equation"`
	Source   string     `json:"source"`
	Params   []paramRow `json:"params"`
	// What a loss is for, its targets, and its options.
	When       string   `json:"when"`
	Activation string   `json:"activation"`
	Targets    string   `json:"targets"`
	Options    []string `json:"options"`
	Needs      []string `json:"needs"`
	Example    string   `json:"example"`
	// State is what the loss carries from step to step.
	State []stateRow `json:"state,omitempty"`
}

type stateRow struct {
	Name    string  `json:"name"`
	Initial float64 `json:"initial"`
	Doc     string  `json:"doc"`
}

type paramRow struct {
	Name    string  `json:"name"`
	Default float64 `json:"default"`
	Range   string  `json:"range"`
	Doc     string  `json:"doc"`
}

func describeLosses(list []*loss.Loss) []lossRow {
	rows := []lossRow{}
	for _, l := range list {
		r := lossRow{
			Name: l.Name, Kind: l.Kind.String(), Equation: l.Equation, Source: l.Source, Params: []paramRow{},
			When: l.When, Activation: l.Activation.String(), Targets: l.Targets.String(),
			Options: []string{}, Needs: []string{}, Example: example(l),
		}
		for _, o := range l.Takes() {
			if l.Kind != loss.Classification && o.Name != "anchor_weights" && o.Name != "check_targets" {
				continue // emit.Options has no more for it
			}
			r.Options = append(r.Options, flagName(o.Name))
			if l.Needs(o) {
				r.Needs = append(r.Needs, flagName(o.Name))
			}
		}
		for _, s := range stateOf(l) {
			r.State = append(r.State, stateRow{s.Name, s.Initial, s.Doc})
		}
		for _, p := range l.Params {
			r.Params = append(r.Params, paramRow{p.Name, p.Default, p.Range(), p.Doc})
		}
		rows = append(rows, r)
	}
	return rows
}

func listLosses(c *cli.Context, list []*loss.Loss) error {
	for _, kind := range loss.Kinds {
		w := table(c)
		switch kind {
		case loss.Confidence:
			fmt.Fprintln(w, "\n--confidence\tparameters\tloss of one anchor: z its objectness logit, t its target")
		case loss.Box:
			fmt.Fprintln(w, "\n--box\tparameters\tloss of one side of a box: z its logits, one for each bin, y its distance in bins")
		default:
			fmt.Fprintln(w, "--loss\tparameters\tloss of one anchor: z its logits, q its targets")
		}
		for _, l := range list {
			if l.Kind != kind {
				continue
			}
			var params []string
			for _, p := range l.Params {
				params = append(params, fmt.Sprintf("%s %g", flagName(p.Name), p.Default))
			}
			fmt.Fprintf(w, "%s\t%s\t%s\n", typedName(l), strings.Join(params, ", "), l.Equation)
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// typedName is a loss as --loss or --confidence takes it.
func typedName(l *loss.Loss) string {
	if l.Kind == loss.Confidence {
		return strings.TrimPrefix(l.Name, "conf-")
	}
	return l.Name
}

// explainLoss prints everything known about a loss, and an example command.
func explainLoss(c *cli.Context, l *loss.Loss) error {
	letters, option := fmt.Sprintf("z are the logits of one anchor, q its targets, p the %v of z", l.Activation), "--loss"
	if l.Kind == loss.Confidence {
		letters, option = fmt.Sprintf("z is the objectness logit of one anchor, t its target, p the %v of z", l.Activation), "--confidence"
	}
	if l.Kind == loss.Box {
		letters, option = fmt.Sprintf("z are the logits of one side of a box, one per bin, p the %v of z", l.Activation), "--box"
	}
	fmt.Fprintf(answer(c), "%s (%s %s)\n\n  %s\n\n%s.\n\n", l.Name, option, typedName(l), l.Equation, letters)
	classes := "any number"
	switch {
	case l.Kind == loss.Box:
		classes = "any, with two bins or more"
	case l.Activation == loss.Softmax:
		classes = fmt.Sprintf("two or more; for one use %s", l.Instead)
	}
	for _, x := range [][2]string{
		{"When", l.When}, {"Source", l.Source}, {"Classes", classes}, {"Targets", targetWords(l)}, {"Smoothed", smoothWords(l)}, {"Masked", maskWords(l)}, {"Mean", meanWords(l)}, {"Options", optionWords(l)}, {"State", stateWords(l)},
	} {
		if x[1] == "" {
			continue
		}
		hang(answer(c), fmt.Sprintf("%-8s  ", x[0]), x[1])
	}
	say(c, "\n  %s", example(l)) // in one line, to be copied
	if len(l.Params) == 0 {
		say(c, "\nIt has no parameters.")
		return nil
	}
	w := table(c)
	fmt.Fprintln(w, "\nparameter\tdefault\trange")
	for _, p := range l.Params {
		fmt.Fprintf(w, "--%s\t%g\t%s\t%s\n", flagName(p.Name), p.Default, p.Range(), p.Doc)
	}
	return w.Flush()
}

// hang prints text with a hanging indent, after head on the first line.
func hang(w io.Writer, head, text string) {
	for _, line := range wrap(text, textWidth(w, helpWidth)-len(head)) {
		fmt.Fprintf(w, "%s%s\n", head, line)
		head = strings.Repeat(" ", len(head))
	}
}

// targetWords describes the targets that a trainer feeds to l.
func targetWords(l *loss.Loss) string {
	switch {
	case l.Kind == loss.Confidence:
		return "t in [0, 1] for each anchor: 1 if it contains an object and 0 if not, or the overlap of its box with the object"
	case l.Kind == loss.Box:
		return "y for each of 4 sides of each anchor, [N, 4·A]: its distance in bins, from 0 and fractional between bins; below 0 if the anchor has no box, which ignores it. Distances beyond the last bin are clamped to it, and NaN makes the loss NaN: --check-targets counts both, and infinities"
	case l.Targets == loss.Qualities:
		return "qualities: for a positive's class, how well its box fits, in (0, 1]; 0 for all other classes"
	case l.Targets == loss.Heat:
		return "heat maps: 1 only at the centres of objects, decaying around them"
	case l.Activation == loss.Softmax:
		return "labels: 1 for the anchor's class (the background class, if the head has one, for negatives), 0 for the others; soft labels that sum to 1 are allowed"
	}
	return "labels: 1 for each class of the anchor, 0 for the others; several classes and soft labels are allowed"
}

// smoothWords describes label smoothing; "" if l takes none.
func smoothWords(l *loss.Loss) string {
	if l.Targets != loss.Labels || l.Kind != loss.Classification {
		return ""
	}
	s := "--label-smoothing S turns q into q(1−S) + S/2, because each class is a binary decision"
	if l.Activation == loss.Softmax {
		s = "--label-smoothing S turns q into q(1−S) + S/C for C classes, as in PyTorch's cross_entropy"
	}
	if l.Statistics != nil || l.LabelWeights != nil {
		s += "; weights and selections of anchors and classes use the targets before smoothing"
	}
	return s
}

// maskWords describes the effect of a logit of −∞.
func maskWords(l *loss.Loss) string {
	s := "a logit of −∞ masks its class: it adds nothing if the target is 0, and makes the loss +∞ if it is above 0"
	switch {
	case l.Kind == loss.Confidence:
		return ""
	case l.Kind == loss.Box:
		return "a logit of −∞ masks its bin: it adds nothing if the distance lies in other bins, and makes the loss +∞ otherwise"
	case l.Eps:
		s += " (but finite with --eps)"
	}
	s += ", so set the targets of masked classes to 0"
	if l.Targets == loss.Labels {
		s += " and do not use --label-smoothing"
	}
	return s
}

// meanWords describes the mean reductions of l.
func meanWords(l *loss.Loss) string {
	plain := "the number of anchors that are not ignored"
	if l.Weighted {
		plain = "the weights w of the anchors' classes, without --anchor-weights"
	}
	return "--reduction mean divides by " + plain + ", weighted-mean by the sum of targets before smoothing, each times its class weight and its anchor's weight (by 1 if that is 0)"
}

// optionWords lists the options of package loss that l takes.
func optionWords(l *loss.Loss) string {
	if l.Kind != loss.Classification {
		return "--reduction, --anchor-weights and --check-targets as given for the class loss"
	}
	var takes, needs []string
	for _, o := range l.Takes() {
		flag := dashed(flagName(o.Name))
		if o.Name == "target" {
			flag += " " + loss.Index
		}
		if takes = append(takes, flag); l.Needs(o) {
			needs = append(needs, flag)
		}
	}
	reduction := "--reduction"
	if own := l.DefaultReduction(); own != loss.Mean {
		reduction += fmt.Sprintf(" (by default %s)", own)
	}
	s := strings.Join(append(takes, reduction), ", ")
	if needs != nil {
		s += "; requires " + strings.Join(needs, ", ")
	}
	return s
}

// stateWords lists the state of l; "" if there is none.
func stateWords(l *loss.Loss) string {
	var words []string
	for _, s := range stateOf(l) {
		words = append(words, fmt.Sprintf("%s, initially %g: %s", s.Name, s.Initial, s.Doc))
	}
	if words == nil {
		return ""
	}
	return strings.Join(words, "; ") + "; the trainer feeds each step's output back as the next step's input"
}

func stateOf(l *loss.Loss) []loss.State {
	states, err := l.Plain(someClasses).States(l.Kind, someClasses)
	if err != nil {
		return nil
	}
	return states
}

// example is a command that appends l to a model, with its parameters at their
// defaults.
func example(l *loss.Loss) string {
	words := []string{"onnxloss rewrite detector.onnx -o train.onnx"}
	switch l.Kind {
	case loss.Confidence:
		words = append(words, "--loss modified-focal-sigmoid --confidence", typedName(l))
	case loss.Box:
		words = append(words, "--loss quality-focal --box", typedName(l))
	default:
		words = append(words, "--loss", l.Name)
	}
	for _, p := range l.Params {
		words = append(words, fmt.Sprintf("--%s %g", flagName(p.Name), p.Default))
	}
	for _, o := range l.Takes() {
		switch {
		case o.Name == "background" && l.Needs(o):
			words = append(words, "--background 0")
		case l.Needs(o):
			words = append(words, fmt.Sprintf("--%s %s.json", flagName(o.Name), o.Name))
		}
	}
	if l.Reduction == "" {
		words = append(words, "--reduction positives")
	}
	return strings.Join(words, " ")
}

// flagName is a parameter's flag: the golden values' name with hyphens.
func flagName(param string) string { return strings.ReplaceAll(param, "_", "-") }
