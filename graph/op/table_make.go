package op

import (
	"fmt"
	"math"

	"github.com/onnxloss/onnxloss/graph/tensor"
)

// Make is the kernel of the node in s, by its row: arity and opset are
// checked, and 16-bit floats go by way of float32 where the row says so.
func Make(s *Spec) (Kernel, error) {
	row := Lookup(s.Node.Domain, s.Node.Op)
	if row == nil {
		return nil, &UnsupportedError{Ops: []string{s.Node.Op}}
	}
	s.Since = row.Since(s.Opset)
	if s.Since == 0 {
		return nil, fmt.Errorf("opset %d has no %s", s.Opset, s.Node.Op)
	}
	if err := row.CheckArity(s.Node); err != nil {
		return nil, err
	}
	k, err := row.Kernel(s)
	if err != nil {
		return nil, err
	}
	if row.Half {
		k = viaFloat32(k)
	}
	if !row.Containers {
		k = tensorsOnly(k)
	}
	return k, nil
}

// tensorsOnly refuses sequences and empty optionals before k sees them.
func tensorsOnly(k Kernel) Kernel {
	return func(x *Call) error {
		for i, t := range x.In {
			if t != nil && (t.IsSequence() || t.IsNone()) {
				return x.InputError(i, "%v, want a tensor", t)
			}
		}
		return k(x)
	}
}

// viaFloat32 runs k on float32 copies of 16-bit inputs and rounds the float32
// outputs to their type, unless input 0 is wide already.
func viaFloat32(k Kernel) Kernel {
	return func(x *Call) error {
		half := tensor.Invalid
		for _, t := range x.In {
			if t != nil && (t.DType == tensor.Float16 || t.DType == tensor.BFloat16) {
				half = t.DType
			}
		}
		if half == tensor.Invalid {
			return k(x)
		}
		if len(x.In) > 0 && x.In[0] != nil && (x.In[0].DType == tensor.Float32 || x.In[0].DType == tensor.Float64) {
			half = tensor.Invalid // the data is wide, and so is the result
		}
		wide := *x
		wide.In = make([]*tensor.Tensor, len(x.In))
		for i, t := range x.In {
			w, err := fromHalf(x.Env.Alloc, t)
			if err != nil {
				return err
			}
			wide.In[i] = w
		}
		if err := k(&wide); err != nil {
			return err
		}
		for i, t := range wide.Out {
			h, err := toHalf(x, t, half)
			if err != nil {
				return err
			}
			x.Set(i, h)
			if h != t {
				x.Env.Free(t)
			}
		}
		for i, t := range x.In {
			if t != wide.In[i] {
				x.Env.Free(wide.In[i])
			}
		}
		return nil
	}
}

// ToFloat32 is t, with 16-bit floats made float32.
func ToFloat32(t *tensor.Tensor) (*tensor.Tensor, error) {
	return fromHalf(func(d tensor.DType, shape []int) (*tensor.Tensor, error) { return tensor.Make(d, shape...) }, t)
}

// Floats is the elements of a float tensor of 16 bits or more in float64; nil
// for any other.
func Floats(t *tensor.Tensor) []float64 {
	if t == nil || t.IsSequence() || t.IsNone() || !t.DType.IsFloat() {
		return nil
	}
	if t.DType == tensor.Float64 {
		return tensor.Data[float64](t)
	}
	single, err := ToFloat32(t)
	if err != nil {
		return nil
	}
	src := tensor.Data[float32](single)
	dst := make([]float64, len(src))
	for i, x := range src {
		dst[i] = float64(x)
	}
	return dst
}

func fromHalf(alloc func(tensor.DType, []int) (*tensor.Tensor, error), t *tensor.Tensor) (*tensor.Tensor, error) {
	if t == nil || t.DType != tensor.Float16 && t.DType != tensor.BFloat16 {
		return t, nil
	}
	w, err := alloc(tensor.Float32, t.Shape)
	if err != nil {
		return nil, err
	}
	dst := tensor.Data[float32](w)
	if t.DType == tensor.Float16 {
		tensor.FromFloat16(dst, tensor.Data[tensor.F16](t))
	} else {
		tensor.FromBFloat16(dst, tensor.Data[tensor.BF16](t))
	}
	return w, nil
}

func toHalf(x *Call, t *tensor.Tensor, half tensor.DType) (*tensor.Tensor, error) {
	if t == nil || t.DType != tensor.Float32 || half == tensor.Invalid {
		return t, nil
	}
	h, err := x.Env.Alloc(half, t.Shape)
	if err != nil {
		return nil, err
	}
	src := tensor.Data[float32](t)
	if half == tensor.Float16 {
		tensor.ToFloat16(tensor.Data[tensor.F16](h), src)
	} else {
		tensor.ToBFloat16(tensor.Data[tensor.BF16](h), src)
	}
	return h, nil
}

// ScalarTensor is x as a scalar of element type d, a float or integer type.
func ScalarTensor(d tensor.DType, x float64) (*tensor.Tensor, error) {
	switch d {
	case tensor.Float32:
		return tensor.Scalar(float32(x)), nil
	case tensor.Float64:
		return tensor.Scalar(x), nil
	case tensor.Int64:
		return tensor.Scalar(int64(x)), nil
	case tensor.Int32:
		return tensor.Scalar(int32(x)), nil
	case tensor.Bool:
		return tensor.Scalar(x != 0), nil
	case tensor.Float16:
		var h [1]tensor.F16
		tensor.ToFloat16(h[:], []float32{float32(x)})
		return tensor.Scalar(h[0]), nil
	case tensor.BFloat16:
		var h [1]tensor.BF16
		tensor.ToBFloat16(h[:], []float32{float32(x)})
		return tensor.Scalar(h[0]), nil
	}
	if x != math.Trunc(x) {
		return nil, fmt.Errorf("%v cannot hold %v", d, x)
	}
	return nil, fmt.Errorf("no scalar constants of type %v", d)
}
