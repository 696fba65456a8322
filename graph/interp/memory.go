package interp

import (
	"fmt"
	"math"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"github.com/onnxloss/onnxloss/graph/tensor"
)

// machineMemory is the bytes of memory that the process may have: the machine's, or
// what its control groups and those around them allow, where that is less (Linux); 0 if
// that is not known.
func machineMemory() int64 {
	least := uint64(math.MaxInt64)
	for _, limit := range []memlimit.Provider{memlimit.FromSystem, memlimit.FromCgroup} {
		if n, err := limit(); err == nil && n > 0 {
			least = min(least, n)
		}
	}
	if least == math.MaxInt64 {
		return 0
	}
	return int64(least)
}

// defaultMemory is what Options.MaxMemory is where it is 0.
func defaultMemory() int64 { return machineMemory() / 4 * 3 }

// sizeOf is the bytes of t, with those of its texts and of a sequence's elements.
func sizeOf(t *tensor.Tensor) int64 {
	if t == nil {
		return 0
	}
	n := int64(t.Len()) * int64(t.DType.Size())
	if t.IsSequence() {
		n = 0
		for _, e := range t.Seq {
			n += sizeOf(e)
		}
	}
	return n + textSize(t)
}

// textSize is the bytes of the texts of t, beside the elements that refer to them.
func textSize(t *tensor.Tensor) int64 {
	if t.DType != tensor.String || t.IsSequence() || t.IsNone() {
		return 0
	}
	var n int64
	for _, s := range tensor.Data[string](t) {
		n += int64(len(s))
	}
	return n
}

// Fits returns what reports, with an error that wraps ErrMemory, whether n more elements of
// type d can be fed beside feeds within Options.MaxMemory.
func (p *Plan) Fits(feeds map[string]*tensor.Tensor) func(d tensor.DType, n int) error {
	return func(d tensor.DType, n int) error {
		left := p.opts.MaxMemory - p.weights
		for _, t := range feeds {
			left -= p.feedSize(t)
		}
		if p.opts.MaxMemory <= 0 {
			return nil
		}
		return fits(feedSize(d, n, p.opts.Double), left)
	}
}

// Fits returns what reports, with an error that wraps ErrMemory, whether n elements of type
// d can be held within most bytes; 0 is the default of Options.MaxMemory.
func Fits(most int64) func(d tensor.DType, n int) error {
	if most == 0 {
		most = defaultMemory()
	}
	return func(d tensor.DType, n int) error {
		if most == 0 {
			return nil
		}
		return fits(feedSize(d, n, false), most)
	}
}

func fits(wanted, allowed int64) error {
	if wanted > allowed {
		return fmt.Errorf("%w: %d bytes wanted, %d allowed", ErrMemory, wanted, max(allowed, 0))
	}
	return nil
}

// feedSize is what a run holds of t, which it is fed.
func (p *Plan) feedSize(t *tensor.Tensor) int64 {
	if t == nil || t.IsSequence() {
		return sizeOf(t)
	}
	return feedSize(t.DType, t.Len(), p.opts.Double) + textSize(t)
}

// feedSize is the bytes of n elements, with the copy where float32 is computed as
// float64.
func feedSize(d tensor.DType, n int, double bool) int64 {
	size := int64(n) * int64(d.Size())
	if double && d == tensor.Float32 {
		size *= 3
	}
	return size
}

// holdFeeds counts what the caller feeds, beside what a run makes.
func (p *Plan) holdFeeds(a *arena, feeds map[string]*tensor.Tensor) (release func(), err error) {
	var n int64
	for _, t := range feeds {
		n += p.feedSize(t)
	}
	if err := a.room(n); err != nil {
		return nil, fmt.Errorf("the inputs: %w", err)
	}
	a.base += n
	return func() { a.base -= n }, nil
}
