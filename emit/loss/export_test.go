package loss

// MaxDense is the greatest mark of ignored anchors in dense targets.
const MaxDense = maxDense

// Check reports what is wrong with x as the parameter.
func (p Param) Check(x float64) error { return p.check(x) }
