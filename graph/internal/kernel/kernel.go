package kernel

// Float is the element type of the numeric kernels.
type Float interface{ ~float32 | ~float64 }

// Signed is a signed integer element type.
type Signed interface {
	~int8 | ~int16 | ~int32 | ~int64 | ~int
}

// Unsigned is an unsigned integer element type.
type Unsigned interface {
	~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uint
}

// Integer is any integer element type.
type Integer interface{ Signed | Unsigned }

// Number is any element type with arithmetic.
type Number interface{ Integer | Float }

// Parallel splits [0, n) into chunks of at least grain indices and calls body
// once for each chunk, possibly from several goroutines, and returns when all
// are done. A nil Parallel runs everything on the calling goroutine.
//
// Kernels give the same bits for every way of splitting.
type Parallel func(n, grain int, body func(lo, hi int))

// Do runs body over [0, n): inline if p is nil or one chunk would hold all
// of it, through p otherwise. It does nothing for n <= 0.
func (p Parallel) Do(n, grain int, body func(lo, hi int)) {
	if n <= 0 {
		return
	}
	grain = max(grain, 1)
	if p == nil || n <= grain {
		body(0, n)
		return
	}
	p(n, grain, body)
}

// Stop is called now and then by loops that cannot be split. Once it returns true the
// loop ends, and its result is of no use. A nil Stop never stops a loop.
type Stop func() bool

// now asks, if there is anyone to ask.
func (s Stop) now() bool { return s != nil && s() }

// OrderWith returns compare as it is until stop returns true, and 0 from then on, which
// brings a sort to its end.
func OrderWith(stop Stop, compare func(i, j int) int) func(i, j int) int {
	if stop == nil {
		return compare
	}
	n, stopped := 0, false
	return func(i, j int) int {
		if n++; n%stopEvery == 0 {
			stopped = stopped || stop()
		}
		if stopped {
			return 0
		}
		return compare(i, j)
	}
}

// grainFor is the number of items a chunk must hold when each item costs
// about cost elementary steps.
func grainFor(cost int) int {
	return max(1, 2*elementGrain/max(cost, 1))
}

// product is the number of elements of a shape whose sizes were checked.
func product(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// rowStrides are the strides of a contiguous row-major array.
func rowStrides(shape []int) []int {
	s := make([]int, len(shape))
	n := 1
	for i := len(shape) - 1; i >= 0; i-- {
		s[i] = n
		n *= shape[i]
	}
	return s
}
