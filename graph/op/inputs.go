package op

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph/tensor"
)

// byFloat is the kernel that runs f32 or f64, by the type of input 0.
func byFloat(f32, f64 Kernel) Kernel {
	return func(x *Call) error {
		switch x.In[0].DType {
		case tensor.Float32:
			return f32(x)
		case tensor.Float64:
			return f64(x)
		}
		return x.InputError(0, "%v, want floats", x.In[0])
	}
}

// sameType checks that the given inputs have the element type of input 0,
// those that are left out excepted.
func sameType(x *Call, inputs ...int) error {
	for _, i := range inputs {
		if t := x.Input(i); t != nil && t.DType != x.In[0].DType {
			return x.InputError(i, "%v, want %v as input 0 has", t, x.In[0].DType)
		}
	}
	return nil
}

// vectorOf checks that each of the given inputs is a vector of n elements,
// those that are left out excepted.
func vectorOf(x *Call, n int, inputs ...int) error {
	for _, i := range inputs {
		if t := x.Input(i); t != nil && (t.Rank() != 1 || t.Shape[0] != n) {
			return x.InputError(i, "shape %v, want [%d]", t.Shape, n)
		}
	}
	return nil
}

// int64s is the elements of input i, an index tensor of int64 or int32.
func int64s(x *Call, i int) ([]int64, error) {
	switch t := x.In[i]; t.DType {
	case tensor.Int64:
		return tensor.Data[int64](t), nil
	case tensor.Int32:
		s := tensor.Data[int32](t)
		r := make([]int64, len(s))
		for k, v := range s {
			r[k] = int64(v)
		}
		return r, nil
	default:
		return nil, x.InputError(i, "%v, want int64 or int32", t)
	}
}

// dataOr is the elements of input i, or nil if it is left out.
func dataOr[T tensor.Elem](x *Call, i int) []T {
	if t := x.Input(i); t != nil {
		return tensor.Data[T](t)
	}
	return nil
}

// scalarOf is the only element of input i, a number, as a float64.
func scalarOf(x *Call, i int) (float64, error) {
	t := x.In[i]
	if t.Len() != 1 || t.IsSequence() {
		return 0, x.InputError(i, "%v, want one element", t)
	}
	w, err := convert(x, t, tensor.Float64, rounding{})
	if err != nil {
		return 0, x.InputError(i, "%v, want a number", t)
	}
	defer dropTemp(x, w, t)
	return tensor.Data[float64](w)[0], nil
}

// intOf is the only element of input i, an int64 or int32.
func intOf(x *Call, i int) (int64, error) {
	if t := x.In[i]; t.Len() != 1 || t.IsSequence() {
		return 0, x.InputError(i, "%v, want one element", t)
	}
	s, err := int64s(x, i)
	if err != nil {
		return 0, err
	}
	return s[0], nil
}

// attrError is an error about the value of an attribute.
func attrError(name string, value any, want string) error {
	if s, ok := value.(string); ok {
		value = fmt.Sprintf("%q", s)
	}
	return fmt.Errorf("attribute %q is %v, want %s", name, value, want)
}
