package loss

import "math"

// Point is one class of one anchor as a closed form sees it, in float64.
type Point struct {
	Q       float64 // the target, smoothed
	P, NotP float64 // p and 1 − p, each to full relative precision
	// LogP and LogNotP are the logarithms that the loss takes: exact, or
	// log(p + ε) and log(1 − p + ε). DLogP is the derivative of LogP by the
	// exact log p, DLogNotP that of LogNotP by the exact log(1 − p).
	LogP, LogNotP   float64
	DLogP, DLogNotP float64
	Classes         int
	NoClass         float64 // 1 − Σ q over the anchor's classes

	exactP, exactNotP float64 // log p, log(1−p)
	params            map[string]float64
	each              map[string][]float64 // parameters with a number for each class
	class             int
}

// Dual is the loss of one class and its derivatives by log p and by
// log(1 − p), as if these were independent; the oracle adds the derivatives of
// both by the logits.
type Dual struct{ Value, P, NotP float64 }

// Param is the value of a parameter.
func (x *Point) Param(name string) float64 {
	if v := x.each[name]; v != nil {
		return v[x.class]
	}
	return x.params[name]
}

// PowP is p^γ.
func (x *Point) PowP(γ float64) float64 { return math.Exp(γ * x.exactP) }

// PowNotP is (1−p)^γ.
func (x *Point) PowNotP(γ float64) float64 { return math.Exp(γ * x.exactNotP) }

// Wrong is the power k of 1 − p_t = q(1−p) + (1−q)p, the probability that is not
// given to the target (Lin et al., arXiv 1708.02002, eq. 2, for any q).
func (x *Point) Wrong(k float64) Dual {
	p, notP := (1-x.Q)*x.P, x.Q*x.NotP
	return Dual{p + notP, p, notP}.Pow(k)
}

// Positive is (1−p)^γ · (−log p).
func (x *Point) Positive(γ float64) Dual {
	m := x.PowNotP(γ)
	return Dual{-m * x.LogP, -m * x.DLogP, -γ * m * x.LogP}
}

// Negative is p^γ · (−log(1−p)).
func (x *Point) Negative(γ float64) Dual {
	m := x.PowP(γ)
	return Dual{-m * x.LogNotP, -γ * m * x.LogNotP, -m * x.DLogNotP}
}

// Plus is f + g.
func (f Dual) Plus(g Dual) Dual {
	return Dual{f.Value + g.Value, f.P + g.P, f.NotP + g.NotP}
}

// Times is f · g.
func (f Dual) Times(g Dual) Dual {
	return Dual{f.Value * g.Value, f.P*g.Value + f.Value*g.P, f.NotP*g.Value + f.Value*g.NotP}
}

// Scale is f · c.
func (f Dual) Scale(c float64) Dual { return Dual{c * f.Value, c * f.P, c * f.NotP} }

// Pow is f^k for f ≥ 0, with the derivative 0 where f is 0.
func (f Dual) Pow(k float64) Dual {
	switch {
	case k == 0:
		return Dual{Value: 1}
	case f.Value == 0:
		return Dual{}
	}
	y := math.Pow(f.Value, k)
	return Dual{y, k * y * (f.P / f.Value), k * y * (f.NotP / f.Value)}
}

// set places x where log p and log(1 − p) are as given.
func (x *Point) set(logP, logNotP, eps float64) {
	x.exactP, x.exactNotP = logP, logNotP
	x.P, x.NotP = math.Exp(logP), math.Exp(logNotP)
	x.LogP, x.LogNotP, x.DLogP, x.DLogNotP = logP, logNotP, 1, 1
	if eps > 0 {
		x.LogP, x.DLogP = math.Log(x.P+eps), x.P/(x.P+eps)
		x.LogNotP, x.DLogNotP = math.Log(x.NotP+eps), x.NotP/(x.NotP+eps)
	}
}

// SigmoidLogs is log σ(z) and log(1 − σ(z)).
func SigmoidLogs(z float64) (logP, logNotP float64) {
	if z > 0 {
		t := math.Log1p(math.Exp(-z))
		return -t, -z - t
	}
	t := math.Log1p(math.Exp(z))
	return z - t, -t
}

// softmaxAt is the softmax of one anchor's logits.
type softmaxAt struct {
	top    int     // the largest logit
	sum    float64 // of exp(z − z[top])
	second float64 // the largest logit but one
	rest   float64 // sum of exp(z − second) without the top
	max    float64
}

func newSoftmax(z []float64) softmaxAt {
	s := softmaxAt{second: math.Inf(-1)}
	for i, x := range z {
		if x > z[s.top] {
			s.top = i
		}
	}
	s.max = z[s.top]
	for i, x := range z {
		s.sum += math.Exp(x - s.max)
		if i != s.top {
			s.second = math.Max(s.second, x)
		}
	}
	for i, x := range z {
		if i != s.top {
			s.rest += math.Exp(x - s.second)
		}
	}
	return s
}

// logs is log p and log(1 − p) of class i, whose logit is z.
func (s *softmaxAt) logs(i int, z float64) (logP, logNotP float64) {
	if IsMasked(s.max) { // all are masked
		return -never, 0
	}
	if i != s.top {
		logP = z - s.max - math.Log(s.sum)
		return logP, math.Log1p(-math.Exp(logP))
	}
	others := s.second - s.max + math.Log(s.rest) // log of the sum over the other classes, beside exp(0)
	return -math.Log1p(math.Exp(others)), others - math.Log(s.sum)
}

// SoftmaxLogs is log p and log(1 − p) of class i, p = softmax(z).
func SoftmaxLogs(z []float64, i int) (logP, logNotP float64) {
	s := newSoftmax(z)
	return s.logs(i, z[i])
}

// amongOthers is the share of class j, whose logit is z, among the classes but
// the top one.
func (s *softmaxAt) amongOthers(z float64) float64 { return math.Exp(z-s.second) / s.rest }
