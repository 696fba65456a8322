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
	for _, o := range []struct {
		name, equation string
		rows           func() kernel.Rows[bool, bool]
		f              func(a, b bool) bool
	}{
		{"And", "z = x ∧ y", kernel.And, func(a, b bool) bool { return a && b }},
		{"Or", "z = x ∨ y", kernel.Or, func(a, b bool) bool { return a || b }},
		{"Xor", "z = x ≠ y", kernel.Xor, func(a, b bool) bool { return a != b }},
	} {
		by := map[tensor.DType]Kernel{}
		addRows(by, o.rows)
		run := byType(by)
		Register(&Op{
			Name: o.name, Equation: o.equation, Versions: []int64{1, 7}, In: Arity{2, 2}, Out: Arity{1, 1},
			Flow: flow.Flow{Pass: flow.Conditioned}, Infer: func(c *Infer) error {
				if err := inferBroadcast(c, tensor.Bool); err != nil {
					return err
				}
				broadcastElems(c, func(e []symbol.Num) symbol.Num {
					if !e[0].Known || !e[1].Known {
						return symbol.Num{}
					}
					return truth(o.f(e[0].N != 0, e[1].N != 0))
				})
				return nil
			},
			Kernel: func(s *Spec) (Kernel, error) { return aligned(s, run), nil },
			NoGrad: truthValues,
		})
	}
	bitwise("BitwiseAnd", "z = the bits that x and y both have", numberRows{
		i8: kernel.BitAnd[int8], i16: kernel.BitAnd[int16], i32: kernel.BitAnd[int32], i64: kernel.BitAnd[int64],
		u8: kernel.BitAnd[uint8], u16: kernel.BitAnd[uint16], u32: kernel.BitAnd[uint32], u64: kernel.BitAnd[uint64]})
	bitwise("BitwiseOr", "z = the bits that x or y has", numberRows{
		i8: kernel.BitOr[int8], i16: kernel.BitOr[int16], i32: kernel.BitOr[int32], i64: kernel.BitOr[int64],
		u8: kernel.BitOr[uint8], u16: kernel.BitOr[uint16], u32: kernel.BitOr[uint32], u64: kernel.BitOr[uint64]})
	bitwise("BitwiseXor", "z = the bits that one of x and y has", numberRows{
		i8: kernel.BitXor[int8], i16: kernel.BitXor[int16], i32: kernel.BitXor[int32], i64: kernel.BitXor[int64],
		u8: kernel.BitXor[uint8], u16: kernel.BitXor[uint16], u32: kernel.BitXor[uint32], u64: kernel.BitXor[uint64]})
	Register(&Op{
		Name: "BitShift", Equation: "z = x shifted by y bits to the left or to the right", Versions: []int64{11}, In: Arity{2, 2}, Out: Arity{1, 1},
		Flow:  flow.Flow{Pass: flow.Untraced},
		Infer: func(c *Infer) error { return inferArithmetic(c, nil) }, Kernel: makeBitShift, NoGrad: integersOnly,
	})
}

func bitwise(name, equation string, rows numberRows) {
	run := rows.kernel()
	Register(&Op{
		Name: name, Equation: equation, Versions: []int64{18}, In: Arity{2, 2}, Out: Arity{1, 1},
		Flow:   flow.Flow{Pass: flow.Untraced},
		Infer:  func(c *Infer) error { return inferArithmetic(c, nil) },
		Kernel: func(*Spec) (Kernel, error) { return run, nil }, NoGrad: integersOnly,
	})
}

func makeBitShift(s *Spec) (Kernel, error) {
	switch d := s.Str("direction", ""); d {
	case "LEFT":
		return numberRows{u8: kernel.ShiftLeft[uint8], u16: kernel.ShiftLeft[uint16], u32: kernel.ShiftLeft[uint32], u64: kernel.ShiftLeft[uint64]}.kernel(), nil
	case "RIGHT":
		return numberRows{u8: kernel.ShiftRight[uint8], u16: kernel.ShiftRight[uint16], u32: kernel.ShiftRight[uint32], u64: kernel.ShiftRight[uint64]}.kernel(), nil
	default:
		return nil, fmt.Errorf("attribute \"direction\": %q, want LEFT or RIGHT", d)
	}
}

// And is x ∧ y, element by element, of truth values.
func And(x, y *graph.Value) *graph.Value { return apply("And", nil, x, y) }

// Or is x ∨ y, element by element, of truth values.
func Or(x, y *graph.Value) *graph.Value { return apply("Or", nil, x, y) }
