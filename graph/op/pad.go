package op

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/op/symbol"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(&Op{
		Name: "Pad", Equation: "y = x with elements added (or, for negative pads, taken away) before and behind each axis: a constant, or x reflected, repeated at its edge or wrapped around",
		Flow:     flow.Flow{Pass: flow.Mapped},
		Versions: []int64{2, 11, 13, 18, 19, 21, 23, 24, 25}, Upgrades: Upgrades{11: upgradePad}, In: Arity{1, 4}, Out: Arity{1, 1}, Infer: inferPad,
		Kernel: func(s *Spec) (Kernel, error) {
			mode := s.Str("mode", "constant")
			if !padModes[mode] {
				return nil, attrError("mode", mode, "constant, reflect, edge or wrap")
			}
			since, value := s.Since, s.Float("value", 0)
			return func(x *Call) error {
				p, err := padsOf(x, since)
				if err != nil {
					return err
				}
				return pad(x, p, mode, since, value)
			}, nil
		},
		Grad: gradPad, Check: Check{Lo: -2, Hi: 2},
	})
}

var padModes = map[string]bool{"constant": true, "reflect": true, "edge": true, "wrap": true}

// pads are the numbers of elements added before and behind each axis.
type pads struct{ begin, end []int }

// spreadPads brings the list of a node Pad, for the given axes or all, into
// the order of the axes.
func spreadPads(list, axes []int, given bool, rank int) (pads, error) {
	if !given {
		for i := range rank {
			axes = append(axes, i)
		}
	}
	p := pads{make([]int, rank), make([]int, rank)}
	if len(list) != 2*len(axes) {
		return p, fmt.Errorf("%d pads for %d axes, want two per axis", len(list), len(axes))
	}
	if _, err := axisSet(axes, rank); err != nil {
		return p, err
	}
	for i, a := range axes {
		k, err := Axis(int64(a), rank)
		if err != nil {
			return p, err
		}
		p.begin[k], p.end[k] = list[i], list[len(axes)+i]
	}
	return p, nil
}

// check refuses pads that axis i, of the given size, cannot take.
func (p pads) check(i, size int, mode string) error {
	b, e := p.begin[i], p.end[i]
	switch left := size - max(-b, 0) - max(-e, 0); {
	case min(b, e) < -tensor.MaxElems || max(b, e) > tensor.MaxElems:
		return fmt.Errorf("pads %d and %d of axis %d are out of range", b, e, i)
	case size+b+e < 0:
		return fmt.Errorf("pads %d and %d remove more from axis %d than its size %d", b, e, i, size)
	case mode != "constant" && left <= 0 && size+b+e > 0:
		return fmt.Errorf("pads %d and %d leave nothing of axis %d (size %d) for padding in mode %s", b, e, i, size, mode)
	}
	return nil
}

func padsOf(x *Call, since int64) (pads, error) {
	rank := x.In[0].Rank()
	if since < 11 {
		return spreadPads(attrInts(x.Node, "pads"), nil, false, rank)
	}
	if !x.Has(1) {
		return pads{}, x.InputError(1, "is missing")
	}
	list, err := Ints(x.In[1])
	if err != nil {
		return pads{}, x.InputError(1, "%v", err)
	}
	var axes []int
	if x.Has(3) {
		if axes, err = Ints(x.In[3]); err != nil {
			return pads{}, x.InputError(3, "%v", err)
		}
	}
	return spreadPads(list, axes, x.Has(3), rank)
}

func attrInts(n *graph.Node, name string) []int {
	var out []int
	for _, v := range n.Ints(name) {
		out = append(out, int(v))
	}
	return out
}

func inferPad(c *Infer) error {
	x := c.Input(0)
	if x.Shape == nil {
		c.Set(0, x.DType, nil)
		return nil
	}
	s := unknownShape(len(x.Shape))
	c.Set(0, x.DType, s)
	var list []symbol.Num
	var axes []int
	if c.Since < 11 {
		for _, p := range c.Node.Ints("pads") {
			list = append(list, symbol.Int(p))
		}
	} else {
		list = c.Input(1).elems()
	}
	if c.Has(3) {
		v, ok := c.Input(3).Ints()
		if !ok {
			return nil
		}
		for _, a := range v {
			axes = append(axes, int(a))
		}
		copy(s, x.Shape)
	} else {
		for i := range x.Shape {
			axes = append(axes, i)
		}
	}
	if list != nil && len(list) != 2*len(axes) {
		return fmt.Errorf("%d pads for %d axes, want two per axis", len(list), len(axes))
	}
	for i, a := range axes {
		k, err := Axis(int64(a), len(s))
		if err != nil {
			return err
		}
		s[k] = graph.Unknown()
		if list != nil {
			s[k] = symbol.Of(x.Shape[k]).Plus(list[i]).Plus(list[len(axes)+i]).Dim()
		}
	}
	return nil
}

func pad(x *Call, p pads, mode string, since int64, value float64) error {
	in := x.In[0]
	shape := make([]int, in.Rank())
	for i, d := range in.Shape {
		if err := p.check(i, d, mode); err != nil {
			return err
		}
		shape[i] = d + p.begin[i] + p.end[i]
	}
	fill, err := padValue(x, since, value)
	if err != nil {
		return err
	}
	out, err := x.New(0, in.DType, shape...)
	if err != nil || out.Len() == 0 {
		return err
	}
	if in.Len() == 0 {
		copyStrided(x, shape, out, 0, tensor.Strides(shape), fill, 0, make([]int, len(shape)))
		return nil
	}
	tables := make([][]int, len(shape))
	for i, n := range shape {
		if p.begin[i] != 0 || p.end[i] != 0 {
			release, err := x.Hold(tensor.Int64, n)
			if err != nil {
				return err
			}
			defer release()
			tables[i] = padTable(n, in.Shape[i], p.begin[i], p.end[i], mode)
		}
	}
	return indexCopy(x, out, in, fill, tables)
}

// padValue is the constant that is added, as a scalar of the type of input 0.
func padValue(x *Call, since int64, value float64) (*tensor.Tensor, error) {
	in := x.In[0]
	if since >= 11 && x.Has(2) {
		v := x.In[2]
		if v.Len() != 1 || v.DType != in.DType {
			return nil, x.InputError(2, "%v, want one element of type %v", v, in.DType)
		}
		return v, nil
	}
	return fillOf(x, in.DType, value)
}

// fillOf is value as a scalar of type d: the nearest number that d has. 0 is
// the empty string, too.
func fillOf(x *Call, d tensor.DType, value float64) (*tensor.Tensor, error) {
	if value != 0 {
		return convert(x, tensor.Scalar(value), d, rounding{saturate: true})
	}
	return tensor.Make(d)
}

// padTable is, for each index of an axis of n after padding, the index of the
// axis of the given size it comes from, or −1 where it is the constant.
// Negative pads crop first; what is added comes from what they leave.
func padTable(n, size, begin, end int, mode string) []int {
	first := max(-begin, 0)
	left := size - first - max(-end, 0)
	t := make([]int, n)
	for i := range t {
		k := i - max(begin, 0)
		switch {
		case k >= 0 && k < left:
		case mode == "edge":
			k = max(0, min(k, left-1))
		case mode == "wrap":
			k = ((k % left) + left) % left
		case mode == "reflect" && left == 1:
			k = 0
		case mode == "reflect":
			period := 2 * (left - 1)
			k = ((k % period) + period) % period
			k = min(k, period-k)
		default:
			t[i] = -1
			continue
		}
		t[i] = first + k
	}
	return t
}

// indexCopy is kernel.IndexCopy on tensors of any one element type; fill is a
// single element.
func indexCopy(x *Call, out, in, fill *tensor.Tensor, tables [][]int) error {
	var err error
	par := x.Parallel
	mover{
		func(d, s []uint8) {
			err = kernel.IndexCopy(par, d, out.Shape, s, in.Shape, tables, raw[uint8](fill)[0])
		},
		func(d, s []uint16) {
			err = kernel.IndexCopy(par, d, out.Shape, s, in.Shape, tables, raw[uint16](fill)[0])
		},
		func(d, s []uint32) {
			err = kernel.IndexCopy(par, d, out.Shape, s, in.Shape, tables, raw[uint32](fill)[0])
		},
		func(d, s []uint64) {
			err = kernel.IndexCopy(par, d, out.Shape, s, in.Shape, tables, raw[uint64](fill)[0])
		},
		func(d, s []complex128) {
			err = kernel.IndexCopy(par, d, out.Shape, s, in.Shape, tables, raw[complex128](fill)[0])
		},
		func(d, s []string) {
			err = kernel.IndexCopy(par, d, out.Shape, s, in.Shape, tables, tensor.Data[string](fill)[0])
		},
	}.run(out, in)
	return err
}

// Pad is x with zeros added before and behind each axis; negative pads take
// elements away. pads has those before each axis, then those behind.
func Pad(x *graph.Value, pads ...int64) *graph.Value {
	if x == nil {
		return nil
	}
	if x.Graph().Opset("") < 11 {
		return apply("Pad", []*graph.Attr{graph.Ints("pads", pads...)}, x)
	}
	return apply("Pad", nil, x, Const(x.Graph(), "pads", tensor.Vector(pads...)))
}

// upgradePad: pads and value become inputs.
func upgradePad(u *Upgrade) error {
	if err := intsToInput("pads", 1)(u); err != nil {
		return err
	}
	return floatToInput(u, "value", 2)
}
