package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns"
	"github.com/urfave/cli/v2"
	"github.com/xrash/smetrics"
)

// explain describes a tensor, and why it is the head or is not.
func explain(c *cli.Context, path string, m *graph.Model, tensor string) error {
	opts, err := headOptions(c)
	if err != nil {
		return err
	}
	account, err := patterns.Why(m, tensor, opts)
	var none *patterns.NoTensorError
	switch {
	case errors.As(err, &none) && len(none.Same) > 0:
		return usagef("--why: %v", none)
	case errors.As(err, &none):
		return usagef("--why: %v%s", none, nearTensors(tensor, none.Names))
	case err != nil:
		return fmt.Errorf("%s: %w", title(path), err)
	}
	if c.Bool("json") {
		t := typeRecord(account.Tensor, account.Type)
		return printJSON(c, struct {
			*patterns.Account
			DType string `json:"dtype"`
			Shape []any  `json:"shape"`
		}{account, t.DType, t.Shape})
	}
	newPage(c).account(account)
	return nil
}

func (p *page) account(w *patterns.Account) {
	s := plain
	if w.Head > 0 {
		s = green
	}
	p.line(p.in(bold, w.Tensor), "  ", p.in(plain, typeWords(w.Type)))
	p.wrapped("  ", s, "", w.Role)
	p.line()
	p.wrapped("  ", dim, "made by  ", w.Made)
	for i, x := range w.Read {
		p.wrapped("  ", dim, []string{"read by  ", "         "}[min(i, 1)], x)
	}
	for i, x := range w.Layers {
		p.wrapped("  ", dim, []string{"layer    ", "         "}[min(i, 1)], x)
	}
	if len(w.Reasons)+len(w.Against) == 0 {
		return
	}
	p.line()
	p.line("  ", p.in(bold, "why"), p.in(dim, "   "+scaleWords))
	p.reasons("  ", w.Reasons)
	for _, x := range w.Against {
		p.wrapped("  ", red, "−     ", x)
	}
}

// nearTensors suggests names similar to a mistyped one.
func nearTensors(name string, names []string) string {
	const (
		most    = 4
		longest = 200    // letters of a name
		compare = 20_000 // names
	)
	type near struct {
		name string
		edit int
	}
	var list []near
	lower := strings.ToLower(name)
	compared := 0
	for _, n := range names {
		low := strings.ToLower(n)
		switch {
		case name == "" || len(n) > longest || len(name) > longest:
			continue
		case strings.Contains(low, lower) || len(low) > 3 && strings.Contains(lower, low):
			list = append(list, near{n, max(len(n)-len(name), len(name)-len(n))})
			continue
		case compared == compare || max(len(n)-len(name), len(name)-len(n)) > len(name)/3:
			continue
		}
		compared++
		if edit := smetrics.WagnerFischer(lower, low, 1, 1, 1); edit <= max(1, len(name)/3) {
			list = append(list, near{n, edit})
		}
	}
	if len(list) == 0 {
		return "; --json lists the tensors of its heads"
	}
	slices.SortStableFunc(list, func(a, b near) int { return cmp.Compare(a.edit, b.edit) })
	words := make([]string, min(most, len(list)))
	for i := range words {
		words[i] = list[i].name
	}
	return "; did you mean " + strings.Join(words, ", ") + "?"
}
