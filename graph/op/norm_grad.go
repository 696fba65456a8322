package op

import "github.com/onnxloss/onnxloss/graph"

// standardized is (x − μ)·r with r = 1/√(σ²+epsilon), statistics over axes.
func standardized(x *graph.Value, axes []int64, epsilon float64) (y, r *graph.Value) {
	centered := Sub(x, ReduceMean(x, axes, true))
	r = inverseRoot(ReduceMean(Mul(centered, centered), axes, true), epsilon)
	return Mul(centered, r), r
}

// inverseRoot is 1/√(v+epsilon).
func inverseRoot(v *graph.Value, epsilon float64) *graph.Value {
	return Reciprocal(Sqrt(Add(v, Like(v, epsilon))))
}

// standardizedAdjoint is the adjoint of x for y = standardized(x).
func standardizedAdjoint(dy, y, r *graph.Value, axes []int64) *graph.Value {
	part := Add(ReduceMean(dy, axes, true), Mul(y, ReduceMean(Mul(dy, y), axes, true)))
	return Mul(r, Sub(dy, part))
}

// epsilonOf is the attribute epsilon.
func epsilonOf(n *graph.Node) float64 { return float64(n.Float("epsilon", 1e-5)) }

func gradBatchNorm(c *Grad) error {
	if err := c.only(); err != nil {
		return err
	}
	rank, err := c.rank(0)
	if err != nil {
		return err
	}
	x, scale, dy := c.In(0), byChannel(c.In(1), rank), c.Dy[0]
	if c.Needs(2) {
		c.Set(2, overChannel(dy, rank))
	}
	row := Lookup("", c.Node.Op)
	if trainsBatchNorm(c.Node, row.Since(c.Node.Graph().Opset(""))) {
		axes := append([]int64{0}, axesFrom(2, rank)...)
		y, r := standardized(x, axes, epsilonOf(c.Node))
		if c.Needs(0) {
			c.Set(0, standardizedAdjoint(Mul(dy, scale), y, r, axes))
		}
		if c.Needs(1) {
			c.Set(1, overChannel(Mul(dy, y), rank))
		}
		return nil
	}
	r := inverseRoot(c.In(4), epsilonOf(c.Node))
	centered := Sub(x, byChannel(c.In(3), rank))
	if c.Needs(0) {
		c.Set(0, Mul(dy, byChannel(Mul(c.In(1), r), rank)))
	}
	if c.Needs(1) {
		c.Set(1, Mul(overChannel(Mul(dy, centered), rank), r))
	}
	if c.Needs(3) {
		c.Set(3, Neg(Mul(overChannel(dy, rank), Mul(c.In(1), r))))
	}
	if c.Needs(4) {
		cube := Mul(Mul(r, r), Mul(r, c.In(1)))
		c.Set(4, Mul(overChannel(Mul(dy, centered), rank), Mul(cube, Like(r, -0.5))))
	}
	return nil
}

func gradInstanceNorm(c *Grad) error {
	rank, err := c.rank(0)
	if err != nil {
		return err
	}
	axes, dy := axesFrom(2, rank), c.Dy[0]
	y, r := standardized(c.In(0), axes, epsilonOf(c.Node))
	if c.Needs(0) {
		c.Set(0, standardizedAdjoint(Mul(dy, byChannel(c.In(1), rank)), y, r, axes))
	}
	if c.Needs(1) {
		c.Set(1, overChannel(Mul(dy, y), rank))
	}
	if c.Needs(2) {
		c.Set(2, overChannel(dy, rank))
	}
	return nil
}

func gradGroupNorm(c *Grad) error {
	rank, err := c.rank(0)
	if err != nil {
		return err
	}
	groups := c.Node.Int("num_groups", 1)
	x, dy := c.In(0), c.Dy[0]
	byGroup := c.Node.Graph().Opset("") < 21
	split := func(v *graph.Value) *graph.Value { return Reshape(v, 0, groups, -1) }
	whole := func(v *graph.Value) *graph.Value { return ReshapeTo(v, shapeOf(x)) }
	y, r := standardized(split(x), []int64{2}, epsilonOf(c.Node))
	if byGroup { // scale and bias have one element for each group
		if c.Needs(0) {
			c.Set(0, whole(standardizedAdjoint(Mul(split(dy), byChannel(c.In(1), 3)), y, r, []int64{2})))
		}
		if c.Needs(1) {
			c.Set(1, overChannel(Mul(split(dy), y), 3))
		}
		if c.Needs(2) {
			c.Set(2, overChannel(split(dy), 3))
		}
		return nil
	}
	if c.Needs(0) {
		c.Set(0, whole(standardizedAdjoint(split(Mul(dy, byChannel(c.In(1), rank))), y, r, []int64{2})))
	}
	if c.Needs(1) {
		c.Set(1, overChannel(Mul(dy, whole(y)), rank))
	}
	if c.Needs(2) {
		c.Set(2, overChannel(dy, rank))
	}
	return nil
}

// gradLayerNorm is the rule of LayerNormalization and RMSNormalization.
func gradLayerNorm(c *Grad) error {
	if err := c.only(); err != nil {
		return err
	}
	rank, err := c.rank(0)
	if err != nil {
		return err
	}
	axis, err := Axis(c.Node.Int("axis", -1), rank)
	if err != nil {
		return err
	}
	axes, x, dy := axesFrom(axis, rank), c.In(0), c.Dy[0]
	scaled := Mul(dy, c.In(1))
	var y *graph.Value
	if c.Node.Op == "RMSNormalization" {
		r := inverseRoot(ReduceMean(Mul(x, x), axes, true), epsilonOf(c.Node))
		y = Mul(x, r)
		if c.Needs(0) {
			c.Set(0, Mul(r, Sub(scaled, Mul(y, ReduceMean(Mul(scaled, y), axes, true)))))
		}
	} else {
		var r *graph.Value
		y, r = standardized(x, axes, epsilonOf(c.Node))
		if c.Needs(0) {
			c.Set(0, standardizedAdjoint(scaled, y, r, axes))
		}
	}
	if c.Needs(1) {
		c.Set(1, Mul(dy, y))
	}
	if c.Needs(2) {
		c.Set(2, dy)
	}
	return nil
}

// gradLpNorm: dx = (dy − s·Σ dy·y)/n with the norm n, s = y for p = 2 and
// sign(x) for p = 1.
func gradLpNorm(c *Grad) error {
	rank, err := c.rank(0)
	if err != nil {
		return err
	}
	axis, err := Axis(c.Node.Int("axis", -1), rank)
	if err != nil {
		return err
	}
	p, err := normOrder(c.Node)
	if err != nil {
		return err
	}
	axes, x, y, dy := []int64{int64(axis)}, c.In(0), c.Out(0), c.Dy[0]
	dot := ReduceSum(Mul(dy, y), axes, true)
	switch p {
	case 1:
		c.Set(0, Div(Sub(dy, Mul(signOf(x), dot)), ReduceSum(Abs(x), axes, true)))
	case 2:
		c.Set(0, Div(Sub(dy, Mul(y, dot)), Sqrt(ReduceSum(Mul(x, x), axes, true))))
	default:
		return attrError("p", p, "1 or 2")
	}
	return nil
}

// gradMeanVariance: with n = σ + 1e-9, dx = (dy − mean dy)/n − (x−μ)·mean(dy·(x−μ))/(n²·σ).
func gradMeanVariance(c *Grad) error {
	axes := c.Node.Ints("axes")
	if c.Node.Attr("axes") == nil {
		axes = []int64{0, 2, 3}
	}
	x, dy := c.In(0), c.Dy[0]
	centered := Sub(x, ReduceMean(x, axes, true))
	sigma := Sqrt(ReduceMean(Mul(centered, centered), axes, true))
	n := Add(sigma, Like(sigma, varianceFloor))
	first := Div(Sub(dy, ReduceMean(dy, axes, true)), n)
	second := Div(ReduceMean(Mul(dy, centered), axes, true), Mul(Mul(n, n), sigma))
	c.Set(0, Sub(first, Mul(centered, second)))
	return nil
}

// gradLRN: with s = bias + alpha/size·Σ x², dx = dy·s^(−beta) −
// 2·alpha·beta/size · x · Σ' dy·x·s^(−beta−1), Σ' over the channels whose
// window c is in.
func gradLRN(c *Grad) error {
	if _, err := c.rank(0); err != nil {
		return err
	}
	n := c.Node
	size := n.Int("size", 1)
	if size < 1 || size > slideLimit {
		return attrError("size", size, "1 to 2^20")
	}
	alpha, beta, bias := float64(n.Float("alpha", 1e-4)), float64(n.Float("beta", 0.75)), float64(n.Float("bias", 1))
	x, dy := c.In(0), c.Dy[0]
	lo, hi := (size-1)/2, size/2
	// Sums over channels are means over a window along them.
	mean := func(v *graph.Value, before, after int64) *graph.Value {
		flat := Unsqueeze(Reshape(v, 0, 0, -1), 1)
		p := apply("AveragePool", []*graph.Attr{graph.Ints("kernel_shape", size, 1), graph.Ints("pads", before, 0, after, 0),
			graph.Int("count_include_pad", 1)}, flat)
		return ReshapeTo(p, shapeOf(x))
	}
	s := Add(Mul(mean(Mul(x, x), lo, hi), Like(x, alpha)), Like(x, bias))
	part := mean(Mul(Mul(dy, x), Pow(s, Like(x, -beta-1))), hi, lo)
	c.Set(0, Sub(Mul(dy, Pow(s, Like(x, -beta))), Mul(Mul(x, Like(x, 2*alpha*beta)), part)))
	return nil
}
