package op

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(&Op{
		Name: "Einsum", Equation: "y[out] = Σ over the labels that are not in out of the product of the operands", Versions: []int64{12},
		Flow: flow.Flow{Pass: flow.Contracted, Channels: flow.Equation}, In: Arity{1, -1}, Out: Arity{1, 1}, Half: true, Infer: inferEinsum, Kernel: makeEinsum, Grad: gradEinsum, Check: Check{Lo: -1, Hi: 1},
	})
}

// label names an axis in an equation: a letter, or below 0 an axis that the
// ellipsis stands for, counted from the last one, -1.
type label int

// equation is an Einsum's, with ellipses spelled out.
type equation struct {
	in  [][]label
	out []label
}

// parseEquation reads an equation for operands of the given ranks.
func parseEquation(text string, ranks []int) (*equation, error) {
	left, right, explicit := strings.Cut(strings.ReplaceAll(text, " ", ""), "->")
	terms := strings.Split(left, ",")
	if len(terms) != len(ranks) {
		return nil, attrError("equation", text, fmt.Sprintf("%d operands", len(ranks)))
	}
	e := &equation{}
	ellipsis := 0
	for i, term := range terms {
		labels, dots, err := parseTerm(term, ranks[i])
		if err != nil {
			return nil, attrError("equation", text, err.Error())
		}
		ellipsis = max(ellipsis, dots)
		e.in = append(e.in, labels)
	}
	if explicit {
		letters := len(strings.Replace(right, "...", "", 1))
		rank := letters
		if strings.Contains(right, "...") {
			rank += ellipsis
		}
		var err error
		if e.out, _, err = parseTerm(right, rank); err != nil {
			return nil, attrError("equation", text, err.Error())
		}
		return e, e.checkOutput(text)
	}
	count := map[label]int{}
	for _, l := range slices.Concat(e.in...) {
		count[l]++
	}
	for k := ellipsis; k > 0; k-- {
		e.out = append(e.out, label(-k))
	}
	for l := label('A'); l <= 'z'; l++ {
		if count[l] == 1 {
			e.out = append(e.out, l)
		}
	}
	return e, nil
}

// checkOutput wants each output label once, and in some operand.
func (e *equation) checkOutput(text string) error {
	all := slices.Concat(e.in...)
	for i, l := range e.out {
		if slices.Contains(e.out[:i], l) || !slices.Contains(all, l) {
			return attrError("equation", text, "each output label once and in an operand")
		}
	}
	return nil
}

// parseTerm is the labels of one term; dots is how many axes its ellipsis
// stands for.
func parseTerm(term string, rank int) (labels []label, dots int, err error) {
	before, after, has := strings.Cut(term, "...")
	dots = rank - len(before) - len(after)
	if dots < 0 || dots > 0 && !has {
		return nil, 0, fmt.Errorf("%d labels in %q", rank, term)
	}
	add := func(s string) {
		for _, r := range s {
			if r < 'A' || r > 'z' || r > 'Z' && r < 'a' {
				err = fmt.Errorf("letters instead of %q", r)
			}
			labels = append(labels, label(r))
		}
	}
	add(before)
	for k := dots; k > 0; k-- {
		labels = append(labels, label(-k))
	}
	add(after)
	return labels, dots, err
}

func inferEinsum(c *Infer) error {
	ranks := make([]int, len(c.In))
	for i := range c.In {
		s := c.Input(i).Shape
		if s == nil {
			c.Set(0, c.Input(0).DType, nil)
			return nil
		}
		ranks[i] = len(s)
	}
	e, err := parseEquation(c.Node.Str("equation", ""), ranks)
	if err != nil {
		return err
	}
	size := map[label]graph.Dim{}
	for i, labels := range e.in {
		for k, l := range labels {
			d := c.Input(i).Shape[k]
			old, seen := size[l]
			switch {
			case !seen || old.IsKnown() && old.Value == 1 || !old.IsKnown() && d.IsKnown() && d.Value != 1:
				size[l] = d
			case old.IsKnown() && d.IsKnown() && d.Value != 1 && old != d:
				return c.InputError(i, "axis %d is %v, want %v", k, d, old)
			}
		}
	}
	shape := graph.Shape{}
	for _, l := range e.out {
		shape = append(shape, size[l])
	}
	c.Set(0, c.Input(0).DType, shape)
	return nil
}

func makeEinsum(s *Spec) (Kernel, error) {
	text := s.Str("equation", "")
	return func(x *Call) error {
		for i := range x.In {
			if err := sameType(x, i); err != nil {
				return err
			}
		}
		switch x.In[0].DType {
		case tensor.Float32:
			return runEinsum[float32](x, text, x.In)
		case tensor.Float64:
			return runEinsum[float64](x, text, x.In)
		}
		wide := make([]*tensor.Tensor, len(x.In))
		for i, t := range x.In {
			w, err := convert(x, t, tensor.Float64, rounding{})
			if err != nil {
				return x.InputError(i, "%v", err)
			}
			defer dropTemp(x, w, t)
			wide[i] = w
		}
		if err := runEinsum[float64](x, text, wide); err != nil {
			return err
		}
		out, err := convert(x, x.Out[0], x.In[0].DType, rounding{})
		if err != nil {
			return err
		}
		dropTemp(x, x.Out[0], out)
		x.Set(0, out)
		return nil
	}, nil
}

// term is an operand or an intermediate product: its labels are distinct, its
// elements in row-major order.
type term[T float32 | float64] struct {
	labels []label
	t      *tensor.Tensor
}

// summation is one run of an Einsum.
type summation[T float32 | float64] struct {
	x    *Call
	size map[label]int
	temp []*tensor.Tensor
}

func runEinsum[T float32 | float64](x *Call, text string, in []*tensor.Tensor) error {
	ranks := make([]int, len(in))
	for i, t := range in {
		ranks[i] = t.Rank()
	}
	e, err := parseEquation(text, ranks)
	if err != nil {
		return err
	}
	s := &summation[T]{x: x, size: map[label]int{}}
	defer func() {
		for _, t := range s.temp {
			x.Env.Free(t)
		}
	}()
	for i, labels := range e.in {
		for k, l := range labels {
			d := in[i].Shape[k]
			old, seen := s.size[l]
			if seen && old != 1 && d != 1 && d != old {
				return x.InputError(i, "axis %d is %d, want %d", k, d, old)
			}
			if !seen || old == 1 {
				s.size[l] = d
			}
		}
	}
	var acc *term[T]
	for i, labels := range e.in {
		later := slices.Concat(append(slices.Clone(e.in[i+1:]), e.out)...)
		needed := later
		if acc != nil {
			needed = slices.Concat(later, acc.labels)
		}
		t, err := s.operand(labels, in[i], needed)
		if err != nil {
			return err
		}
		if acc == nil {
			acc = t
		} else if acc, err = s.contract(acc, t, later); err != nil {
			return err
		}
	}
	out, err := s.arranged(acc, e.out)
	if err != nil {
		return err
	}
	res, err := x.New(0, tensor.TypeOf[T](), s.sizes(e.out)...)
	if err != nil {
		return err
	}
	copy(tensor.Data[T](res), tensor.Data[T](out.t))
	return nil
}

func (s *summation[T]) sizes(labels []label) []int {
	r := make([]int, len(labels))
	for i, l := range labels {
		r[i] = s.size[l]
	}
	return r
}

func (s *summation[T]) alloc(shape []int) (*tensor.Tensor, error) {
	t, err := s.x.Temp(tensor.TypeOf[T](), shape...)
	if err == nil {
		s.temp = append(s.temp, t)
	}
	return t, err
}

// operand is t with one axis for each label: repeated labels give the
// diagonal, broadcast ones are dropped, and those that nobody else needs are
// summed over.
func (s *summation[T]) operand(labels []label, t *tensor.Tensor, needed []label) (*term[T], error) {
	strides := tensor.Strides(t.Shape)
	var keep, sum []label
	at := map[label]int{}
	for i, l := range labels {
		if t.Shape[i] == 1 && s.size[l] != 1 {
			continue
		}
		if _, seen := at[l]; !seen {
			if slices.Contains(needed, l) {
				keep = append(keep, l)
			} else {
				sum = append(sum, l)
			}
		}
		at[l] += strides[i]
	}
	order := slices.Concat(keep, sum)
	from := make([]int, len(order))
	for i, l := range order {
		from[i] = at[l]
	}
	shape := s.sizes(order)
	out, err := s.alloc(shape)
	if err != nil {
		return nil, err
	}
	if out.Len() > 0 {
		kernel.CopyStrided(s.x.Parallel, shape, tensor.Data[T](out), 0, tensor.Strides(shape), tensor.Data[T](t), 0, from)
	}
	if len(sum) == 0 {
		return &term[T]{keep, out}, nil
	}
	res, err := s.alloc(shape[:len(keep)])
	if err != nil {
		return nil, err
	}
	kernel.Reduce(s.x.Parallel, kernel.ReduceSum, tensor.Data[T](res), tensor.Data[T](out), tensor.Elements(shape[:len(keep)]), tensor.Elements(shape[len(keep):]), 1)
	return &term[T]{keep, res}, nil
}

// arranged is t with its axes in the given order.
func (s *summation[T]) arranged(t *term[T], order []label) (*term[T], error) {
	if slices.Equal(t.labels, order) {
		return t, nil
	}
	strides := tensor.Strides(t.t.Shape)
	from := make([]int, len(order))
	for i, l := range order {
		if k := slices.Index(t.labels, l); k >= 0 {
			from[i] = strides[k]
		}
	}
	shape := s.sizes(order)
	out, err := s.alloc(shape)
	if err != nil {
		return nil, err
	}
	if out.Len() > 0 {
		kernel.CopyStrided(s.x.Parallel, shape, tensor.Data[T](out), 0, tensor.Strides(shape), tensor.Data[T](t.t), 0, from)
	}
	return &term[T]{order, out}, nil
}

// contract is the product of a and b, summed over the labels that both have
// and nobody needs later: a batch of matrix products.
func (s *summation[T]) contract(a, b *term[T], later []label) (*term[T], error) {
	var batch, rows, inner, cols []label
	for _, l := range a.labels {
		switch both, need := slices.Contains(b.labels, l), slices.Contains(later, l); {
		case both && need:
			batch = append(batch, l)
		case both:
			inner = append(inner, l)
		default:
			rows = append(rows, l)
		}
	}
	for _, l := range b.labels {
		if !slices.Contains(a.labels, l) {
			cols = append(cols, l)
		}
	}
	left, err := s.arranged(a, slices.Concat(batch, rows, inner))
	if err != nil {
		return nil, err
	}
	right, err := s.arranged(b, slices.Concat(batch, inner, cols))
	if err != nil {
		return nil, err
	}
	res := slices.Concat(batch, rows, cols)
	out, err := s.alloc(s.sizes(res))
	if err != nil {
		return nil, err
	}
	m, k, n := tensor.Elements(s.sizes(rows)), tensor.Elements(s.sizes(inner)), tensor.Elements(s.sizes(cols))
	if out.Len() > 0 {
		count := tensor.Elements(s.sizes(batch))
		release, err := s.x.Hold(tensor.Int64, 2*count)
		if err != nil {
			return nil, err
		}
		defer release()
		aAt, bAt := make([]int, count), make([]int, count)
		for i := range aAt {
			aAt[i], bAt[i] = i*m*k, i*k*n
		}
		kernel.GemmBatch(s.x.Parallel, false, false, m, n, k, 1, tensor.Data[T](left.t), k, aAt,
			tensor.Data[T](right.t), n, bAt, 0, tensor.Data[T](out), n, m*n)
	}
	return s.dropUnused(&term[T]{res, out}, later)
}

// dropUnused sums over the labels of t that nobody needs later.
func (s *summation[T]) dropUnused(t *term[T], later []label) (*term[T], error) {
	if !slices.ContainsFunc(t.labels, func(l label) bool { return !slices.Contains(later, l) }) {
		return t, nil
	}
	return s.operand(t.labels, t.t, later)
}
