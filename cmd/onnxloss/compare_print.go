package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/onnxloss/onnxloss/emit/compare"
	"github.com/onnxloss/onnxloss/graph/visible"
	"github.com/onnxloss/onnxloss/patterns"
	"github.com/urfave/cli/v2"
)

var errNoneApplies = errors.New("none of these losses applies to this head")

// comparison is the JSON document of compare.
type comparison struct {
	Head    patterns.HeadRecord `json:"head"`
	Targets string              `json:"targets"` // the file, or "drawn"
	*compare.Report
}

func reportComparison(c *cli.Context, h *headOfBatch, r *compare.Report) error {
	applies := slices.ContainsFunc(r.Losses, func(x compare.Row) bool { return x.Left == "" })
	switch {
	case c.Bool("json"):
		targets := c.String("target")
		if targets == "" {
			targets = "drawn"
		}
		if err := printJSON(c, comparison{h.record, targets, r}); err != nil {
			return err
		}
	case !c.Bool("quiet"):
		if err := printComparison(c, h, r); err != nil {
			return err
		}
	}
	if !applies {
		return errNoneApplies
	}
	return nil
}

// printComparison prints, for each loss, its value and where value and gradient come from.
func printComparison(c *cli.Context, h *headOfBatch, r *compare.Report) error {
	say(c, "head      %s", h.record)
	say(c, "batch     %s of %s, %s: %d hard and %d easy positives, %d hard and %d easy negatives, %d ignored",
		count(r.Images, "image"), count(r.Anchors, "anchor"), classes(r.Classes),
		r.Groups[0].Anchors, r.Groups[1].Anchors, r.Groups[2].Anchors, r.Groups[3].Anchors, r.Ignored)
	say(c, "computed  network in float32 by the interpreter, losses in float64 by closed form; hard is p_t < 0.5 by the head's %s", activationWord(h))
	w := table(c)
	fmt.Fprintf(w, "\nwhose gradient it is\t\t\tpositives\t\tnegatives\t\t█ hard ▓ easy positives\n")
	fmt.Fprintf(w, "loss\tvalue\tnorm\thard\teasy\thard\teasy\t▒ hard ░ easy negatives\n")
	eachApplied(r, func(x compare.Row) {
		fmt.Fprintf(w, "%s\t%.4g\t%.4g%s\t%s\n", visible.Text(x.Label), x.Value, x.Gradient, shares(x.Groups, gradientShare), bar(x.Groups))
	})
	fmt.Fprintf(w, "\nwhose loss it is\tpositives\t\tnegatives\t\twrong classes\n")
	fmt.Fprintf(w, "loss\thard\teasy\thard\teasy\tcharged\tgradient\n")
	eachApplied(r, func(x compare.Row) {
		through := ""
		if x.Wrong.Loss == 0 && x.Wrong.Gradient > 0 {
			through = ", through the softmax only"
		}
		fmt.Fprintf(w, "%s%s\t%s\t%s%s\n", visible.Text(x.Label), shares(x.Groups, lossShare), percent(x.Wrong.LossShare), percent(x.Wrong.GradientShare), through)
	})
	if err := w.Flush(); err != nil {
		return err
	}
	first := true
	for _, x := range r.Losses {
		if x.Left == "" {
			continue
		}
		if first {
			say(c, "")
		}
		first = false
		say(c, "skipped: %s: %s", x.Label, x.Left)
	}
	return nil
}

func eachApplied(r *compare.Report, do func(compare.Row)) {
	for _, x := range r.Losses {
		if x.Left == "" {
			do(x)
		}
	}
}

func activationWord(h *headOfBatch) string {
	if h.softmax {
		return "softmax"
	}
	return "sigmoids"
}

func gradientShare(p compare.Part) float64 { return p.GradientShare }
func lossShare(p compare.Part) float64     { return p.LossShare }

// shares is the shares of parts as table columns, each after a tab.
func shares(parts []compare.Part, of func(compare.Part) float64) string {
	s := ""
	for _, p := range parts {
		s += "\t" + percent(of(p))
	}
	return s
}

// classes is n classes in words.
func classes(n int) string {
	if n == 1 {
		return "1 class"
	}
	return fmt.Sprintf("%d classes", n)
}

// percent is a share x in percent; rounding never makes it 0 or 100 %.
func percent(x float64) string {
	switch {
	case x == 0:
		return "0"
	case x < 0.001:
		return "<0.1%"
	case x > 0.999 && x < 1:
		return ">99.9%"
	}
	return fmt.Sprintf("%.1f%%", 100*x)
}

// barWidth is the length of a bar in characters.
const barWidth = 32

// bar draws the groups' shares of the gradient side by side. It rounds the
// running sum, so that all bars have the same length.
func bar(parts []compare.Part) string {
	var b strings.Builder
	sum, drawn := 0.0, 0
	for i, p := range parts {
		sum += p.GradientShare
		n := int(sum*barWidth+0.5) - drawn
		b.WriteString(strings.Repeat([]string{"█", "▓", "▒", "░"}[i], n))
		drawn += n
	}
	return b.String()
}
