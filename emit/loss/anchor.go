package loss

// anchor evaluates the loss anchor by anchor.
type anchor struct {
	loss   *Loss
	opts   Options
	q, p   []float64
	slopes []Dual
	adjust *Adjustment // nil for none

	classWeights []float64 // nil for none
	weights      []float64 // of the labels; nil for none
	byLabel      float64   // the anchor's weight by label

	classWeight float64 // summed over the anchor's targets

	labels []float64 // q before smoothing
	scene  *Scene    // nil for a loss without Statistics
	factor []float64 // per class, from the scene; nil for none
}

func newAnchor(l *Loss, o Options, b Batch) *anchor {
	a := &anchor{
		loss: l, opts: o, q: make([]float64, b.C), labels: make([]float64, b.C), slopes: make([]Dual, b.C), p: make([]float64, b.C),
		classWeights: l.classWeights(o, b.C),
	}
	if l.Adjust != nil {
		x := l.Adjust(o.ClassCounts, o.Params)
		a.adjust = &x
	}
	if l.LabelWeights != nil {
		a.weights = l.LabelWeights(o.ClassCounts, o.Params)
	}
	return a
}

// targets sets q for anchor i, and returns whether it is not ignored and whether it is a
// positive.
func (a *anchor) targets(b Batch, i int) (takesPart, positive bool) {
	ignore := a.opts.IgnoreIndex
	if a.opts.Target == Bins {
		takesPart = a.position(b.Target[i])
		if !takesPart {
			return false, false
		}
	} else if a.opts.Target == Index {
		if ignore != nil && b.Index[i] == *ignore {
			return false, false
		}
		for c := range a.q {
			a.q[c] = 0
			if int64(c) == b.Index[i] {
				a.q[c] = 1
			}
		}
	} else {
		copy(a.q, b.Target[i*b.C:])
		takesPart = ignore == nil
		for _, q := range a.q {
			if !takesPart && q != float64(*ignore) {
				takesPart = true
			}
		}
		if !takesPart {
			return false, false
		}
	}
	for c, q := range a.q {
		if (q >= 1 || q > 0 && a.loss.Targets != Heat) && (a.opts.Background == nil || *a.opts.Background != c) {
			positive = true
		}
	}
	if a.weights != nil {
		a.weigh()
	}
	copy(a.labels, a.q)
	a.classWeight = 0
	for c, w := range a.classWeights {
		a.classWeight += w * a.q[c]
	}
	choices := 2
	if a.loss.Activation == Softmax {
		choices = len(a.q)
	}
	s := a.opts.LabelSmoothing
	for c := range a.q {
		a.q[c] = (1-s)*a.q[c] + s/float64(choices)
	}
	return true, positive
}

// position sets q for a position among the bins, and returns whether it is valid.
func (a *anchor) position(y float64) bool {
	if y < 0 {
		return false
	}
	last := len(a.q) - 1
	left := min(int(y), last)
	for c := range a.q {
		a.q[c] = 0
	}
	share := min(y, float64(last)) - float64(left)
	a.q[left] = 1 - share
	if left < last {
		a.q[left+1] = share
	}
	return true
}

// weight is the weight of anchor i in WeightedMean; call targets first.
func (a *anchor) weight(b Batch, i int) float64 {
	sum := 0.0
	for c, q := range a.labels {
		if a.classWeights != nil {
			q *= a.classWeights[c]
		}
		sum += q
	}
	if a.weights != nil {
		sum *= a.byLabel
	}
	if a.opts.AnchorWeights {
		sum *= b.Weight[i]
	}
	return sum
}

// weigh sets byLabel from q; see Loss.LabelWeights.
func (a *anchor) weigh() {
	sum, weighed := 0.0, 0.0
	for c, q := range a.q {
		sum += q
		weighed += q * a.weights[c]
	}
	if sum < 1 {
		a.byLabel = weighed + 1 - sum
		return
	}
	a.byLabel = weighed / sum
}

// weighted is the loss of anchor i with all weights except those that depend on the losses;
// it sets grad to its derivative and charges to its terms. Call targets first.
func (a *anchor) weighted(b Batch, i int, grad, charges []float64) float64 {
	z := b.Logits[i*b.C:][:b.C]
	a.factor = nil
	if s := a.scene; s != nil {
		if s.Shift != nil {
			z = append([]float64{}, z...)
			for c := range z {
				z[c] += s.Shift[i*b.C+c]
			}
		}
		if s.Factor != nil {
			a.factor = s.Factor[i*b.C:][:b.C]
		}
	}
	x := a.eval(z, grad, charges)
	if a.weights != nil {
		x *= a.byLabel
		scale(grad, a.byLabel)
		scale(charges, a.byLabel)
	}
	if a.opts.AnchorWeights {
		x *= b.Weight[i]
		scale(grad, b.Weight[i])
		scale(charges, b.Weight[i])
	}
	return x
}

// eval is the loss of the anchor with logits z; it sets grad to its derivative and charges
// to the contribution of each class.
func (a *anchor) eval(z, grad, charges []float64) float64 {
	x := Point{Classes: len(z), NoClass: 1, params: a.opts.Params, each: a.opts.PerClass}
	for _, q := range a.q {
		x.NoClass -= q
	}
	if a.adjust != nil {
		z = a.adjust.apply(z, a.q)
		defer scale(grad, a.adjust.Scale)
	}
	var s softmaxAt
	if a.loss.Activation == Softmax {
		s = newSoftmax(z)
	}
	sum := 0.0
	for i := range z {
		var logP, logNotP float64
		if a.loss.Activation == Softmax {
			logP, logNotP = s.logs(i, z[i])
		} else {
			logP, logNotP = SigmoidLogs(z[i])
		}
		x.Q = a.q[i]
		x.set(logP, logNotP, a.opts.Eps)
		x.class = i
		f := a.closed(&x)
		if w := a.classWeights; w != nil {
			f = Dual{w[i] * f.Value, w[i] * f.P, w[i] * f.NotP}
		}
		if a.factor != nil {
			f = f.Scale(a.factor[i])
		}
		sum += f.Value
		charges[i] = f.Value
		a.slopes[i], a.p[i] = f, x.P
		grad[i] = f.P*x.NotP - f.NotP*x.P
	}
	if a.loss.Activation == Softmax {
		a.softmaxGrad(&s, z, grad)
	}
	return sum
}

func (a *anchor) closed(x *Point) Dual {
	if t, m := a.loss.modulation(a.opts); m != nil {
		return x.modulated(t, m)
	}
	return a.loss.Closed(x)
}

// softmaxGrad adds to grad, which has the derivative of each class's loss with respect to
// its own logit, those with respect to the other logits: d log pᵢ / d zⱼ = −pⱼ, and
// d log(1−pᵢ) / d zⱼ = pᵢ pⱼ / (1−pᵢ). For the top class i, pⱼ / (1−pᵢ) is computed as a
// share among the other classes, to avoid 0/0.
func (a *anchor) softmaxGrad(s *softmaxAt, z, grad []float64) {
	var own, cross float64 // Σ of f.P, and of f.NotP·p/(1−p) of all but the top class
	odds := func(i int) float64 {
		return a.slopes[i].NotP * a.p[i] / (1 - a.p[i])
	}
	for i, f := range a.slopes {
		own += f.P
		if i != s.top {
			cross += odds(i)
		}
	}
	top := a.slopes[s.top].NotP * a.p[s.top]
	for j := range grad {
		others := cross
		if j != s.top {
			others -= odds(j)
			grad[j] += top * s.amongOthers(z[j])
		}
		grad[j] += a.p[j] * (others - (own - a.slopes[j].P))
	}
}
