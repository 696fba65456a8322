package op

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	for _, s := range []struct {
		name     string
		versions []int64
		upgrades Upgrades
	}{{"Scatter", []int64{9, 11}, Upgrades{11: upgradeScatter}}, {"ScatterElements", []int64{11, 13, 16, 18}, nil}} {
		Register(&Op{
			Name: s.name, Equation: "y = x, then y[i with its coordinate on axis replaced by indices[i]] ∘= updates[i]",
			Flow:     flow.Flow{Pass: flow.Selected},
			Versions: s.versions, Upgrades: s.upgrades, In: Arity{3, 3}, Out: Arity{1, 1},
			Infer: SameAsInput, Kernel: makeScatterElements, Grad: gradScatterElements, Check: Check{Lo: -1, Hi: 1},
		})
	}
	Register(&Op{
		Name: "ScatterND", Equation: "y = x, then y[indices[i,0], indices[i,1], …] ∘= updates[i]",
		Flow:     flow.Flow{Pass: flow.Selected},
		Versions: []int64{11, 13, 16, 18}, In: Arity{3, 3}, Out: Arity{1, 1},
		Infer: SameAsInput, Kernel: makeScatterND, Grad: gradScatterND, Check: Check{Lo: -1, Hi: 1},
	})
}

// scatterReduction is the attribute reduction of a scatter.
func scatterReduction(n *graph.Node) (string, error) {
	switch r := n.Str("reduction", "none"); r {
	case "", "none":
		return "", nil
	case "add", "mul", "max", "min":
		return r, nil
	default:
		return "", attrError("reduction", r, "none, add, mul, max or min")
	}
}

// combiner is a reduction on numbers of type T.
func combiner[T kernel.Number](reduction string) func(old, update T) T {
	switch reduction {
	case "add":
		return func(a, b T) T { return a + b }
	case "mul":
		return func(a, b T) T { return a * b }
	case "max":
		return func(a, b T) T { return max(a, b) }
	case "min":
		return func(a, b T) T { return min(a, b) }
	}
	return nil
}

// scatterTo is a scatter of updates into dst, which holds a copy of the data.
type scatterTo struct {
	x         *Call
	reduction string
	shape     []int   // of the data
	axis      int     // of ScatterElements
	tuples    *tuples // of ScatterND; nil for ScatterElements
	index     []int64
}

// scattered runs a scatter on elements of type T.
func scattered[T any](s *scatterTo, dst, updates []T, combine func(old, update T) T) error {
	if s.tuples != nil {
		return kernel.ScatterND(dst, s.tuples.limits, s.tuples.inner, s.index, s.tuples.n, updates, combine)
	}
	return kernel.ScatterElements(dst, s.shape, s.axis, s.index, s.x.In[1].Shape, updates, combine)
}

// run copies input 0 to the output and scatters input 2 into it.
func (s *scatterTo) run() error {
	x := s.x
	if err := sameType(x, 2); err != nil {
		return err
	}
	out, err := x.New(0, x.In[0].DType, x.In[0].Shape...)
	if err != nil || out.Len() == 0 {
		return err
	}
	copyAll(out, x.In[0])
	if x.In[2].Len() == 0 {
		return nil
	}
	if s.reduction == "" {
		mover{
			func(d, u []uint8) { err = scattered(s, d, u, nil) },
			func(d, u []uint16) { err = scattered(s, d, u, nil) },
			func(d, u []uint32) { err = scattered(s, d, u, nil) },
			func(d, u []uint64) { err = scattered(s, d, u, nil) },
			func(d, u []complex128) { err = scattered(s, d, u, nil) },
			func(d, u []string) { err = scattered(s, d, u, nil) },
		}.run(out, x.In[2])
		return indexError(x, 1, err)
	}
	return indexError(x, 1, s.reduce(out))
}

// reduce scatters with arithmetic.
func (s *scatterTo) reduce(out *tensor.Tensor) error {
	switch out.DType {
	case tensor.Float32:
		return scatterNumbers[float32](s, out)
	case tensor.Float64:
		return scatterNumbers[float64](s, out)
	case tensor.Int8:
		return scatterNumbers[int8](s, out)
	case tensor.Int16:
		return scatterNumbers[int16](s, out)
	case tensor.Int32:
		return scatterNumbers[int32](s, out)
	case tensor.Int64:
		return scatterNumbers[int64](s, out)
	case tensor.Uint8:
		return scatterNumbers[uint8](s, out)
	case tensor.Uint16:
		return scatterNumbers[uint16](s, out)
	case tensor.Uint32:
		return scatterNumbers[uint32](s, out)
	case tensor.Uint64:
		return scatterNumbers[uint64](s, out)
	case tensor.Bool:
		return scattered(s, tensor.Data[bool](out), tensor.Data[bool](s.x.In[2]), boolCombiner(s.reduction))
	case tensor.Float16:
		return scattered(s, tensor.Data[tensor.F16](out), tensor.Data[tensor.F16](s.x.In[2]),
			halfCombiner(s.reduction, tensor.FromFloat16[tensor.F16], tensor.ToFloat16[tensor.F16]))
	case tensor.BFloat16:
		return scattered(s, tensor.Data[tensor.BF16](out), tensor.Data[tensor.BF16](s.x.In[2]),
			halfCombiner(s.reduction, tensor.FromBFloat16[tensor.BF16], tensor.ToBFloat16[tensor.BF16]))
	}
	return attrError("reduction", s.reduction, "none for "+out.DType.String())
}

func scatterNumbers[T interface {
	kernel.Number
	tensor.Elem
}](s *scatterTo, out *tensor.Tensor) error {
	return scattered(s, tensor.Data[T](out), tensor.Data[T](s.x.In[2]), combiner[T](s.reduction))
}

func boolCombiner(reduction string) func(old, update bool) bool {
	if reduction == "add" || reduction == "max" {
		return func(a, b bool) bool { return a || b }
	}
	return func(a, b bool) bool { return a && b }
}

func halfCombiner[H any](reduction string, from func([]float32, []H), to func([]H, []float32)) func(old, update H) H {
	f := combiner[float32](reduction)
	return func(a, b H) H {
		var wide [2]float32
		var half [1]H
		from(wide[:], []H{a, b})
		to(half[:], []float32{f(wide[0], wide[1])})
		return half[0]
	}
}

func makeScatterElements(s *Spec) (Kernel, error) {
	axis := s.Int("axis", 0)
	r, err := scatterReduction(s.Node)
	if err != nil {
		return nil, err
	}
	return func(x *Call) error {
		idx := x.In[1]
		at, err := elementsAxis(x, axis, idx.Shape, 1)
		if err != nil {
			return err
		}
		if !sameShape(idx.Shape, x.In[2].Shape) {
			return x.InputError(2, "shape %v, want %v as the indices have", x.In[2].Shape, idx.Shape)
		}
		index, err := int64s(x, 1)
		if err != nil {
			return err
		}
		return (&scatterTo{x: x, reduction: r, shape: x.In[0].Shape, axis: at, index: index}).run()
	}, nil
}

func makeScatterND(s *Spec) (Kernel, error) {
	r, err := scatterReduction(s.Node)
	if err != nil {
		return nil, err
	}
	return func(x *Call) error {
		g, err := tuplesOf(x, 0)
		if err != nil {
			return err
		}
		if !sameShape(g.out, x.In[2].Shape) {
			return x.InputError(2, "shape %v, want %v", x.In[2].Shape, g.out)
		}
		index, err := int64s(x, 1)
		if err != nil {
			return err
		}
		return (&scatterTo{x: x, reduction: r, tuples: g, index: index}).run()
	}, nil
}

func sameShape(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// ScatterElements is x with updates put in along axis, one for each index;
// reduction "" (plain assignment) and "add" need opsets 11 and 16, "max" and
// "min" opset 18.
func ScatterElements(x, indices, updates *graph.Value, axis int, reduction string) *graph.Value {
	attrs := []*graph.Attr{graph.Int("axis", int64(axis))}
	if reduction != "" {
		attrs = append(attrs, graph.String("reduction", reduction))
	}
	return apply("ScatterElements", attrs, x, indices, updates)
}

// ScatterND is x with slices put in where the tuples in the last axis of
// indices say; reduction is as in ScatterElements.
func ScatterND(x, indices, updates *graph.Value, reduction string) *graph.Value {
	var attrs []*graph.Attr
	if reduction != "" {
		attrs = append(attrs, graph.String("reduction", reduction))
	}
	return apply("ScatterND", attrs, x, indices, updates)
}

// upgradeScatter gives Scatter its later name.
func upgradeScatter(u *Upgrade) error {
	u.Node.SetOp("", "ScatterElements")
	return nil
}
