package kernel

import "math"

// sigmoid is 1/(1+exp(-x)) without overflow at any x.
func sigmoid(x float64) float64 {
	if x >= 0 {
		return 1 / (1 + math.Exp(-x))
	}
	e := math.Exp(x)
	return e / (1 + e)
}

// softplus is ln(1+exp(x)) without overflow at any x.
func softplus(x float64) float64 {
	if x > 0 {
		return x + math.Log1p(math.Exp(-x))
	}
	return math.Log1p(math.Exp(x))
}

// Sigmoid is dst[i] = 1/(1+exp(-x[i])), stable at any x.
func Sigmoid[T Float](dst, x []T) {
	if d, s, ok := asFloat32(dst, x); ok {
		rows32.sigmoid(d, s)
		return
	}
	x = x[:len(dst)]
	for i, v := range x {
		dst[i] = T(sigmoid(float64(v)))
	}
}

// Silu is dst[i] = x[i] * s, s being what Sigmoid gives, so that both roundings
// are those of a product of the two.
func Silu(dst, x []float32) { rows32.silu(dst, x) }

// TimesHardSigmoid is dst[i] = x[i] * s, s being what HardSigmoid gives of alpha and beta,
// so that the roundings are those of a product of the two.
func TimesHardSigmoid(dst, x []float32, alpha, beta float64) {
	x = x[:len(dst)]
	n := vectors[float32](fast32.timesHardSigmoid != nil, len(dst))
	if n > 0 {
		fast32.timesHardSigmoid(&dst[0], &x[0], float32(alpha), float32(beta), n)
	}
	if n == len(dst) {
		return
	}
	b := borrow[float32](len(dst) - n)
	HardSigmoid(b.s, x[n:], alpha, beta)
	mulVV(dst[n:], x[n:], b.s)
	b.free()
}

// Softplus is dst[i] = ln(1+exp(x[i])), stable at any x.
func Softplus[T Float](dst, x []T) {
	if d, s, ok := asFloat32(dst, x); ok {
		rows32.softplus(d, s)
		return
	}
	x = x[:len(dst)]
	for i, v := range x {
		dst[i] = T(softplus(float64(v)))
	}
}

// Softsign is dst[i] = x[i]/(1+|x[i]|).
func Softsign[T Float](dst, x []T) {
	x = x[:len(dst)]
	at := vectorV(fast32.softsign, dst, x)
	for i, v := range x[at:] {
		dst[at+i] = v / (1 + T(math.Abs(float64(v))))
	}
}

// Relu is dst[i] = max(x[i], 0); NaN stays.
func Relu[T Number](dst, x []T) {
	x = x[:len(dst)]
	at := reluFast(dst, x)
	for i, v := range x[at:] {
		if v < 0 {
			v = 0
		}
		dst[at+i] = v
	}
}

// LeakyRelu is dst[i] = x[i] >= 0 ? x[i] : alpha*x[i].
func LeakyRelu[T Float](dst, x []T, alpha T) {
	x = x[:len(dst)]
	at := vectorVS(fast32.leaky, dst, x, alpha)
	for i, v := range x[at:] {
		if v < 0 {
			v *= alpha
		}
		dst[at+i] = v
	}
}

// ThresholdedRelu is dst[i] = x[i] > alpha ? x[i] : 0.
func ThresholdedRelu[T Float](dst, x []T, alpha T) {
	x = x[:len(dst)]
	for i, v := range x {
		if v <= alpha {
			v = 0
		}
		dst[i] = v
	}
}

// Elu is dst[i] = x[i] >= 0 ? x[i] : alpha*(exp(x[i])-1).
func Elu[T Float](dst, x []T, alpha float64) { Selu(dst, x, alpha, 1) }

// Selu is dst[i] = gamma * (x[i] >= 0 ? x[i] : alpha*(exp(x[i])-1)).
func Selu[T Float](dst, x []T, alpha, gamma float64) {
	x = x[:len(dst)]
	for i, v := range x {
		if v < 0 {
			dst[i] = T(gamma * alpha * math.Expm1(float64(v)))
		} else {
			dst[i] = T(gamma * float64(v))
		}
	}
}

// Celu is dst[i] = max(x[i], 0) + min(0, alpha*(exp(x[i]/alpha)-1)).
func Celu[T Float](dst, x []T, alpha float64) {
	x = x[:len(dst)]
	for i, v := range x {
		f := float64(v)
		dst[i] = T(max(f, 0) + min(0, alpha*math.Expm1(f/alpha)))
	}
}

// HardSigmoid is dst[i] = min(max(alpha*x[i]+beta, 0), 1).
func HardSigmoid[T Float](dst, x []T, alpha, beta float64) {
	if d, s, ok := asFloat32(dst, x); ok {
		rows32.hardSigmoid(d, s, float32(alpha), float32(beta))
		return
	}
	x = x[:len(dst)]
	for i, v := range x {
		dst[i] = T(min(max(alpha*float64(v)+beta, 0), 1))
	}
}

// HardSwish is dst[i] = x[i] * min(max(x[i]/6+1/2, 0), 1).
func HardSwish[T Float](dst, x []T) {
	if d, s, ok := asFloat32(dst, x); ok {
		rows32.hardSwish(d, s)
		return
	}
	x = x[:len(dst)]
	for i, v := range x {
		f := float64(v)
		dst[i] = T(f * min(max(f/6+0.5, 0), 1))
	}
}

// Swish is dst[i] = x[i] * sigmoid(alpha*x[i]).
func Swish[T Float](dst, x []T, alpha float64) {
	if d, s, ok := asFloat32(dst, x); ok {
		rows32.swish(d, s, alpha)
		return
	}
	x = x[:len(dst)]
	for i, v := range x {
		f := float64(v)
		dst[i] = T(f * sigmoid(alpha*f))
	}
}

// Mish is dst[i] = x[i] * tanh(softplus(x[i])).
func Mish[T Float](dst, x []T) {
	if d, s, ok := asFloat32(dst, x); ok {
		rows32.mish(d, s)
		return
	}
	x = x[:len(dst)]
	for i, v := range x {
		f := float64(v)
		dst[i] = T(f * math.Tanh(softplus(f)))
	}
}

// Gelu is dst[i] = x[i]/2 * (1 + erf(x[i]/√2)), by erfc, which keeps the
// relative error small for negative x.
func Gelu[T Float](dst, x []T) {
	if d, s, ok := asFloat32(dst, x); ok {
		rows32.gelu(d, s)
		return
	}
	x = x[:len(dst)]
	for i, v := range x {
		f := float64(v)
		dst[i] = T(f * 0.5 * math.Erfc(-f/math.Sqrt2))
	}
}

// GeluTanh is Gelu's approximation
// dst[i] = x[i]/2 * (1 + tanh(√(2/π)*(x[i]+0.044715*x[i]³))), written as
// x*sigmoid(2u), which has the same value.
func GeluTanh[T Float](dst, x []T) {
	if d, s, ok := asFloat32(dst, x); ok {
		rows32.geluTanh(d, s)
		return
	}
	const c = 0.7978845608028653558798921198687637 // √(2/π)
	x = x[:len(dst)]
	for i, v := range x {
		f := float64(v)
		dst[i] = T(f * sigmoid(2*c*(f+0.044715*f*f*f)))
	}
}

// Shrink is dst[i] = x[i] < -lambd ? x[i]+bias : x[i] > lambd ? x[i]-bias : 0.
func Shrink[T Float](dst, x []T, lambd, bias T) {
	x = x[:len(dst)]
	for i, v := range x {
		switch {
		case v < -lambd:
			v += bias
		case v > lambd:
			v -= bias
		case v == v:
			v = 0
		}
		dst[i] = v
	}
}
