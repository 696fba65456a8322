package verify

import (
	"fmt"
	"math"
	"reflect"
	"strings"

	"github.com/onnxloss/onnxloss/graph/tensor"
)

// Check is one comparison. Errors of losses are relative to the value wanted, or
// to floor where that is greater; those of derivatives to the greatest one.
type Check struct {
	Name     string  `json:"name"`
	What     string  `json:"what"`
	Compared int     `json:"compared"`
	Worst    float64 `json:"worst"`
	Where    string  `json:"where,omitempty"`
	Limit    float64 `json:"limit"`
	// Failed is why the check failed; "" if it passed.
	Failed string `json:"failed,omitempty"`
	// Left says what could not be checked, and why; "" if nothing was left out.
	Left string `json:"left,omitempty"`
}

// Report is all checks of one training graph, in order.
type Report struct {
	Checks []Check `json:"checks"`
}

// Failure is the error of a training graph that is not what it says.
type Failure struct{ Checks []Check }

func (f *Failure) Error() string {
	var s []string
	for _, c := range f.Checks {
		s = append(s, fmt.Sprintf("%s: %s", c.Name, c.Failed))
	}
	return "verification failed: " + strings.Join(s, "; ")
}

// Err is a *Failure if any check failed.
func (r *Report) Err() error {
	var f Failure
	for _, c := range r.Checks {
		if c.Failed != "" {
			f.Checks = append(f.Checks, c)
		}
	}
	if f.Checks == nil {
		return nil
	}
	return &f
}

// floor is the loss below which errors count as absolute; for tiny losses that
// is underflow, below which float32 runs out of exponents.
const (
	floor     = 1e-2
	underflow = 1e-30
)

// measure compares got with want, element by element, relative to the greater
// of least and |want|, and keeps the worst.
func (c *Check) measure(name string, got, want []float64, least float64) {
	if len(got) != len(want) {
		c.fail("%s: %d values, want %d", name, len(got), len(want))
		return
	}
	for i, w := range want {
		g := got[i]
		e := math.Min(math.Abs(g-w)/math.Max(least, math.Abs(w)), math.MaxFloat64)
		switch {
		case g == w:
			e = 0
		case math.IsNaN(e):
			e = math.MaxFloat64 // a report is JSON, which has no NaN and no infinity
		}
		c.Compared++
		if !(e <= c.Worst) {
			c.Worst, c.Where = e, fmt.Sprintf("%s[%d]", name, i)
		}
		if !(e <= c.Limit) && c.Failed == "" {
			c.fail("%s[%d]: got %v, want %v", name, i, g, w)
		}
	}
}

// bits compares two tensors bit for bit.
func (c *Check) bits(name string, got, want *tensor.Tensor) {
	if got == nil || want == nil || got.String() != want.String() {
		c.fail("%s: got %v, want %v", name, got, want)
		return
	}
	if got.IsSequence() {
		for i := range want.Seq {
			c.bits(fmt.Sprintf("%s(%d)", name, i), got.Seq[i], want.Seq[i])
		}
		return
	}
	n := want.Len()
	c.Compared += n
	if i := firstDifference(got, want); i >= 0 {
		c.Worst, c.Where = 1, fmt.Sprintf("%s[%d]", name, i)
		c.fail("%s[%d]: the bits differ", name, i)
	}
}

func (c *Check) fail(format string, args ...any) {
	if c.Failed == "" {
		c.Failed = fmt.Sprintf(format, args...)
	}
}

// firstDifference is the index of the first element whose bits differ; -1 if
// none do. The tensors have the same type and shape.
func firstDifference(a, b *tensor.Tensor) int {
	switch a.DType {
	case tensor.Float32:
		return differ(tensor.Data[float32](a), tensor.Data[float32](b), func(x float32) uint64 { return uint64(math.Float32bits(x)) })
	case tensor.Float16:
		return differ(tensor.Data[tensor.F16](a), tensor.Data[tensor.F16](b), func(x tensor.F16) uint64 { return uint64(x) })
	case tensor.Float64:
		return differ(tensor.Data[float64](a), tensor.Data[float64](b), math.Float64bits)
	case tensor.Int64:
		return differ(tensor.Data[int64](a), tensor.Data[int64](b), func(x int64) uint64 { return uint64(x) })
	}
	if fmt.Sprint(elements(a)) != fmt.Sprint(elements(b)) {
		return 0
	}
	return -1
}

// elements is the elements of a tensor of any type; the memory behind it may be
// longer.
func elements(t *tensor.Tensor) any {
	v := reflect.ValueOf(t.Store().Data)
	return v.Slice(0, min(t.Len(), v.Len())).Interface()
}

func differ[T any](a, b []T, bits func(T) uint64) int {
	for i := range a {
		if bits(a[i]) != bits(b[i]) {
			return i
		}
	}
	return -1
}
