package op

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph/tensor"
)

// stack collects tensors of one type and shape, one behind the other, within
// the run's memory limit.
type stack struct {
	x     *Call
	dtype tensor.DType
	shape []int // of one tensor
	n     int
	buf   *tensor.Tensor // [capacity, shape…]
}

// add appends t, which must be like those before it.
func (s *stack) add(t *tensor.Tensor) error {
	if t == nil || t.IsSequence() || t.IsNone() {
		return fmt.Errorf("%v cannot be stacked, want a tensor", t)
	}
	if s.n == 0 {
		s.dtype, s.shape = t.DType, t.Shape
	}
	if t.DType != s.dtype || !sameShape(t.Shape, s.shape) {
		return fmt.Errorf("step %d returned %v, want %v%v as before", s.n, t, s.dtype, s.shape)
	}
	if err := s.grow(); err != nil {
		return err
	}
	size := tensor.Elements(s.shape)
	part := tensor.Strides(append([]int{1}, s.shape...))
	copyStrided(s.x, append([]int{1}, s.shape...), s.buf, s.n*size, part, t, 0, part)
	s.n++
	return nil
}

// grow makes room for one tensor more.
func (s *stack) grow() error {
	if s.buf != nil && s.n < s.buf.Shape[0] {
		return nil
	}
	buf, err := s.x.Temp(s.dtype, append([]int{max(8, 2*s.n)}, s.shape...)...)
	if err != nil {
		return err
	}
	if s.buf != nil {
		full := append([]int{s.n}, s.shape...)
		strides := tensor.Strides(full)
		copyStrided(s.x, full, buf, 0, strides, s.buf, 0, strides)
		s.x.Env.Free(s.buf)
	}
	s.buf = buf
	return nil
}

// free gives the memory back.
func (s *stack) free() {
	if s.buf != nil {
		s.x.Env.Free(s.buf)
		s.buf = nil
	}
}

// output makes the stack, with its steps along axis, output i. d and shape
// stand for the type of one step if there was none.
func (s *stack) output(i int, axis int64, reverse bool, d tensor.DType, shape []int) error {
	if s.n > 0 {
		d, shape = s.dtype, s.shape
	}
	at, err := Axis(axis, len(shape)+1)
	if err != nil {
		return err
	}
	full := append(append(append([]int{}, shape[:at]...), s.n), shape[at:]...)
	out, err := s.x.New(i, d, full...)
	if err != nil || out.Len() == 0 {
		return err
	}
	// Seen from the stack: step first, then the axes of one tensor.
	strides := tensor.Strides(full)
	dst := append(append([]int{strides[at]}, strides[:at]...), strides[at+1:]...)
	from := append([]int{s.n}, shape...)
	start := 0
	if reverse {
		start, dst[0] = (s.n-1)*strides[at], -strides[at]
	}
	copyStrided(s.x, from, out, start, dst, s.buf, 0, tensor.Strides(from))
	return nil
}
