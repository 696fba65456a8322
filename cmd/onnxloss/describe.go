package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/emit/verify"
	"github.com/urfave/cli/v2"
)

// describeHead is a head in one line, for people.
func describeHead(h emit.Head) string {
	s := fmt.Sprintf("%s, %d classes on axis %d", h.Source, h.Classes, h.ClassAxis)
	if k := h.ClassSlice; k != nil {
		s += fmt.Sprintf(" (channels %d to %d", k.Start, k.Stop-1)
		if k.Stride != nil {
			s += fmt.Sprintf(" of each %d", *k.Stride)
		}
		s += ")"
	}
	s += ", activation " + h.Activation
	if h.Background != nil {
		s += fmt.Sprintf(", background %d", *h.Background)
	}
	if n := len(h.Levels); n > 1 {
		s += fmt.Sprintf(", %d levels", n)
	}
	return s + fmt.Sprintf(", confidence %.2f", h.Confidence)
}

func describeLoss(o loss.Options) string {
	s := o.Name
	for _, k := range slices.Sorted(maps.Keys(o.Params)) {
		s += fmt.Sprintf(", %s %g", flagName(k), o.Params[k])
	}
	if o.Eps > 0 {
		s += fmt.Sprintf(", eps %g", o.Eps)
	}
	return s + fmt.Sprintf(", %s targets, reduction %s", o.Target, o.Reduction)
}

func describePort(p emit.Port) string {
	s := fmt.Sprintf("%s (%s", p.Name, p.Role)
	if p.Of != "" {
		s += " of " + p.Of
	}
	s += ")"
	if p.DType == "" || p.Shape == nil {
		return s
	}
	dims := make([]string, len(*p.Shape))
	for i, d := range *p.Shape {
		dims[i] = fmt.Sprint(d)
	}
	return s + " " + p.DType + "[" + strings.Join(dims, ",") + "]"
}

// printReport prints the checks of a verification, a line each.
func printReport(c *cli.Context, r *verify.Report) {
	for _, k := range r.Checks {
		state := "ok  "
		switch {
		case k.Failed != "":
			state = "FAIL"
		case k.Compared == 0:
			state = "left"
		}
		line := fmt.Sprintf("%s  %-9s %s", state, k.Name, k.What)
		if k.Compared > 0 {
			line += fmt.Sprintf(": %d compared", k.Compared)
			if k.Limit > 0 {
				line += fmt.Sprintf(", worst %.2g (limit %.0e)", k.Worst, k.Limit)
			}
		}
		if k.Worst > 0 && k.Where != "" {
			line += " at " + k.Where
		}
		if k.Left != "" {
			line += "; not checked: " + k.Left
		}
		if k.Failed != "" {
			line += "; " + k.Failed
		}
		say(c, "%s", line)
	}
}
