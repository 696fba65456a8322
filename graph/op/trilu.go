package op

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op/flow"
)

func init() {
	Register(
		&Op{Name: "Trilu", Equation: "y = x on and above the k-th diagonal (or on and below it), 0 elsewhere", Versions: []int64{14},
			Flow: flow.Flow{Pass: flow.Mapped}, In: Arity{1, 2}, Out: Arity{1, 1}, Infer: SameAsInput, Kernel: makeTrilu,
			Grad: func(c *Grad) error {
				in := []*graph.Value{c.Dy[0]}
				if k := c.In(1); k != nil {
					in = append(in, k)
				}
				c.Set(0, apply("Trilu", c.Node.Attrs, in...))
				return nil
			},
			Check: Check{Lo: -2, Hi: 2}},
	)
}

func makeTrilu(s *Spec) (Kernel, error) {
	upper := s.Int("upper", 1) != 0
	return func(x *Call) error {
		in := x.In[0]
		if in.Rank() < 2 {
			return x.InputError(0, "rank %d, want at least 2", in.Rank())
		}
		k := 0
		if x.Has(1) {
			v, err := Ints(x.In[1])
			if err != nil || len(v) != 1 {
				return x.InputError(1, "%v, want one int64", x.In[1])
			}
			k = v[0]
		}
		out, err := x.New(0, in.DType, in.Shape...)
		if err != nil {
			return err
		}
		rows, cols := in.Shape[in.Rank()-2], in.Shape[in.Rank()-1]
		mover{
			func(d, s []uint8) { trilu(d, s, rows, cols, k, upper) },
			func(d, s []uint16) { trilu(d, s, rows, cols, k, upper) },
			func(d, s []uint32) { trilu(d, s, rows, cols, k, upper) },
			func(d, s []uint64) { trilu(d, s, rows, cols, k, upper) },
			func(d, s []complex128) { trilu(d, s, rows, cols, k, upper) },
			func(d, s []string) { trilu(d, s, rows, cols, k, upper) },
		}.run(out, in)
		return nil
	}, nil
}

// trilu keeps, in each row i of matrices of rows × cols, the columns j ≥ i+k
// (upper) or j ≤ i+k.
func trilu[E any](dst, src []E, rows, cols, k int, upper bool) {
	k = max(-rows-1, min(k, cols+1))
	for r := 0; r*cols < len(dst) && cols > 0; r++ {
		d, s := dst[r*cols:(r+1)*cols], src[r*cols:(r+1)*cols]
		clear(d)
		if upper {
			from := max(0, min(r%rows+k, cols))
			copy(d[from:], s[from:])
		} else {
			to := max(0, min(r%rows+k+1, cols))
			copy(d[:to], s[:to])
		}
	}
}
