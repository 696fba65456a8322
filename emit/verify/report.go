package verify

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// Status is the outcome of a check.
type Status string

// The statuses of checks. A check is not run if an operator is not supported, memory is
// short or the run was interrupted.
const (
	OK     Status = "ok"
	Failed Status = "failed"
	NotRun Status = "not run"
)

// Check is one comparison. Errors of losses are relative to the wanted value or to floor,
// whichever is greater; those of derivatives to the greatest derivative.
type Check struct {
	Name     string  `json:"name"`
	Status   Status  `json:"status"`
	What     string  `json:"what"`
	Compared int     `json:"compared"`
	Worst    float64 `json:"worst"`
	Limit    float64 `json:"limit"`
	At       string  `json:"at,omitempty"` // position of the worst
	// Reason is why the check failed or was not run, or a limitation of one that is ok.
	Reason string `json:"reason,omitempty"`

	broken error // ends the proof
	same   bool  // tensors of the same type and shape were compared, possibly empty ones
}

// Report is the checks of one training graph, in order.
type Report struct {
	Checks  []Check
	Seconds float64 // taken by the checks
}

// Verdict sums up the checks.
type Verdict string

// The verdicts. ProvedInPart means that some checks were not run and none failed.
const (
	Proved       Verdict = "proved"
	ProvedInPart Verdict = "proved in part"
	Disproved    Verdict = "failed"
	NotVerified  Verdict = "not verified"
)

// Verdict is the verdict of the report; NotVerified if r is nil.
func (r *Report) Verdict() Verdict {
	switch {
	case r == nil:
		return NotVerified
	case len(r.With(Failed)) > 0:
		return Disproved
	case len(r.With(NotRun)) > 0:
		return ProvedInPart
	}
	return Proved
}

// Summary is the verdict, with the names of the failed or missing checks if it is not a
// proof.
func (r *Report) Summary() string {
	line := string(r.Verdict())
	switch r.Verdict() {
	case Disproved:
		line += ": " + strings.Join(r.With(Failed), ", ")
	case ProvedInPart:
		left, checks := r.With(NotRun), "checks"
		if len(r.Checks) == 1 {
			checks = "check"
		}
		line += fmt.Sprintf(": %d of %d %s not run (%s)", len(left), len(r.Checks), checks, strings.Join(left, ", "))
	}
	return line
}

// String is the checks, one per line, and a line with the verdict.
func (r *Report) String() string {
	var b strings.Builder
	if r != nil {
		for _, c := range r.Checks {
			fmt.Fprintln(&b, c)
		}
	}
	fmt.Fprintf(&b, "%-9s %s\n", "verdict", r.Summary())
	return b.String()
}

// String is the check in one line: status, name, what is compared, and the figures.
func (c Check) String() string {
	status := string(c.Status)
	if c.Status == Failed {
		status = "FAIL"
	}
	line := fmt.Sprintf("%-9s %-9s %s", status, c.Name, c.What)
	if c.Status != NotRun {
		line += fmt.Sprintf(": %d compared", c.Compared)
		if c.Limit > 0 {
			line += fmt.Sprintf(", worst %.2g (limit %.0e)", c.Worst, c.Limit)
		}
		if c.Worst > 0 && c.At != "" {
			line += " at " + c.At
		}
	}
	if c.Reason != "" {
		line += "; " + c.Reason
	}
	return line
}

// With is the names of the checks with the given status.
func (r *Report) With(s Status) []string {
	var names []string
	for _, c := range r.Checks {
		if c.Status == s {
			names = append(names, c.Name)
		}
	}
	return names
}

// FailedError is the error of a training graph that fails a check.
type FailedError struct{ Checks []Check }

func (f *FailedError) Error() string {
	var s []string
	for _, c := range f.Checks {
		s = append(s, fmt.Sprintf("%s: %s", c.Name, c.Reason))
	}
	return "verification failed: " + strings.Join(s, "; ")
}

// Err is a *FailedError if any check failed.
func (r *Report) Err() error {
	var f FailedError
	for _, c := range r.Checks {
		if c.Status == Failed {
			f.Checks = append(f.Checks, c)
		}
	}
	if f.Checks == nil {
		return nil
	}
	return &f
}

// floor is the loss below which errors count as absolute; for near-zero losses that is
// underflow, below which float32 loses digits.
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
			e = math.MaxFloat64 // JSON has no NaN and no infinity
		}
		c.Compared++
		if !(e <= c.Worst) {
			c.Worst, c.At = e, fmt.Sprintf("%s[%d]", name, i)
		}
		if !(e <= c.Limit) && c.Status != Failed {
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
	c.Compared, c.same = c.Compared+want.Len(), true
	if i := firstDifference(got, want); i >= 0 {
		c.Worst, c.At = 1, fmt.Sprintf("%s[%d]", name, i)
		c.fail("%s[%d]: the bits differ", name, i)
	}
}

// fail keeps the first failure.
func (c *Check) fail(format string, args ...any) {
	if c.Status != Failed {
		c.Status, c.Reason = Failed, fmt.Sprintf(format, args...)
	}
}

// leave records why the check, or the rest of it, was not run, unless it has failed.
func (c *Check) leave(format string, args ...any) {
	if c.Status == "" {
		c.Status, c.Reason = NotRun, fmt.Sprintf(format, args...)
	}
}

// concerns reports whether there was anything to check.
func (c *Check) concerns() bool { return c.Compared > 0 || c.Status != "" || c.broken != nil }

// stop records an error that ended the check: after an interrupt, an unsupported operator or
// a memory limit the check is not run, an unreadable constant ends the whole proof, and any
// other error is a failure.
func (c *Check) stop(err error) {
	if reason, ok := blameless(err); ok {
		c.leave("%s", reason)
		return
	}
	var load *graph.LoadError
	if errors.As(err, &load) {
		c.broken = err
		return
	}
	c.fail("%v", err)
}

// blameless reports whether err says nothing against the model, and the reason.
func blameless(err error) (reason string, ok bool) {
	var unsupported *op.UnsupportedError
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return "interrupted", true
	case errors.As(err, &unsupported):
		return unsupported.Error(), true
	case errors.Is(err, interp.ErrMemory), errors.Is(err, errSample):
		return err.Error(), true
	}
	return "", false
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

// elements is the elements of a tensor of any type; its capacity may be larger.
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
