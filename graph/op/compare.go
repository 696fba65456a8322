package op

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/op/symbol"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// comparison is the loops of one comparison for each type of numbers.
type comparison struct {
	f32 func() kernel.Rows[bool, float32]
	f64 func() kernel.Rows[bool, float64]
	i8  func() kernel.Rows[bool, int8]
	i16 func() kernel.Rows[bool, int16]
	i32 func() kernel.Rows[bool, int32]
	i64 func() kernel.Rows[bool, int64]
	u8  func() kernel.Rows[bool, uint8]
	u16 func() kernel.Rows[bool, uint16]
	u32 func() kernel.Rows[bool, uint32]
	u64 func() kernel.Rows[bool, uint64]
}

func (r comparison) kernels() map[tensor.DType]Kernel {
	by := map[tensor.DType]Kernel{}
	addRows(by, r.f32)
	addRows(by, r.f64)
	addRows(by, r.i8)
	addRows(by, r.i16)
	addRows(by, r.i32)
	addRows(by, r.i64)
	addRows(by, r.u8)
	addRows(by, r.u16)
	addRows(by, r.u32)
	addRows(by, r.u64)
	return by
}

func init() {
	for _, o := range []struct {
		name, equation string
		versions       []int64
		rows           comparison
		// sign says for the signs −1, 0, 1 of a − b whether the result is true.
		sign [3]bool
	}{
		{"Equal", "z = x equals y", []int64{1, 7, 11, 13, 19}, comparison{
			kernel.Equal[float32], kernel.Equal[float64],
			kernel.Equal[int8], kernel.Equal[int16], kernel.Equal[int32], kernel.Equal[int64],
			kernel.Equal[uint8], kernel.Equal[uint16], kernel.Equal[uint32], kernel.Equal[uint64]}, [3]bool{false, true, false}},
		{"Less", "z = x is less than y", []int64{1, 7, 9, 13}, comparison{
			kernel.Less[float32], kernel.Less[float64],
			kernel.Less[int8], kernel.Less[int16], kernel.Less[int32], kernel.Less[int64],
			kernel.Less[uint8], kernel.Less[uint16], kernel.Less[uint32], kernel.Less[uint64]}, [3]bool{true, false, false}},
		{"LessOrEqual", "z = x is less than y or equal", []int64{12, 16}, comparison{
			kernel.LessEqual[float32], kernel.LessEqual[float64],
			kernel.LessEqual[int8], kernel.LessEqual[int16], kernel.LessEqual[int32], kernel.LessEqual[int64],
			kernel.LessEqual[uint8], kernel.LessEqual[uint16], kernel.LessEqual[uint32], kernel.LessEqual[uint64]}, [3]bool{true, true, false}},
		{"Greater", "z = x is greater than y", []int64{1, 7, 9, 13}, comparison{
			kernel.Greater[float32], kernel.Greater[float64],
			kernel.Greater[int8], kernel.Greater[int16], kernel.Greater[int32], kernel.Greater[int64],
			kernel.Greater[uint8], kernel.Greater[uint16], kernel.Greater[uint32], kernel.Greater[uint64]}, [3]bool{false, false, true}},
		{"GreaterOrEqual", "z = x is greater than y or equal", []int64{12, 16}, comparison{
			kernel.GreaterEqual[float32], kernel.GreaterEqual[float64],
			kernel.GreaterEqual[int8], kernel.GreaterEqual[int16], kernel.GreaterEqual[int32], kernel.GreaterEqual[int64],
			kernel.GreaterEqual[uint8], kernel.GreaterEqual[uint16], kernel.GreaterEqual[uint32], kernel.GreaterEqual[uint64]}, [3]bool{false, true, true}},
	} {
		by, effect := o.rows.kernels(), flow.Order
		if o.name == "Equal" {
			effect = flow.None
			addRows(by, kernel.Equal[bool])
			addRows(by, kernel.Equal[string])
		}
		run := byType(by)
		Register(&Op{
			Name: o.name, Equation: o.equation, Versions: o.versions, In: Arity{2, 2}, Out: Arity{1, 1}, Half: true,
			Flow: flow.Flow{Pass: flow.Compared, Effect: effect}, Infer: func(c *Infer) error {
				if err := sameTypes(c); err != nil {
					return err
				}
				if err := inferBroadcast(c, tensor.Bool); err != nil {
					return err
				}
				broadcastElems(c, func(e []symbol.Num) symbol.Num { return compareNum(e[0], e[1], o.sign) })
				return nil
			},
			Kernel: func(s *Spec) (Kernel, error) { return aligned(s, run), nil },
			NoGrad: truthValues,
		})
	}
}

// compareNum compares elements, as far as the sign of a − b is certain:
// dimensions are not negative.
func compareNum(a, b symbol.Num, sign [3]bool) symbol.Num {
	d := a.Minus(b)
	switch {
	case d.Known:
		s := 1
		if d.N < 0 {
			s = 0
		} else if d.N > 0 {
			s = 2
		}
		return truth(sign[s])
	case d.Minus(symbol.Int(1)).IsNonNegative(): // d ≥ 1
		return truth(sign[2])
	case symbol.Int(-1).Minus(d).IsNonNegative(): // d ≤ −1
		return truth(sign[0])
	}
	return symbol.Num{}
}

// Equal is x = y, element by element.
func Equal(x, y *graph.Value) *graph.Value { return apply("Equal", nil, x, y) }

// Less is x < y, element by element.
func Less(x, y *graph.Value) *graph.Value { return apply("Less", nil, x, y) }

// Greater is x > y, element by element.
func Greater(x, y *graph.Value) *graph.Value { return apply("Greater", nil, x, y) }
