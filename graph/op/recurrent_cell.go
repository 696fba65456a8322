package op

// step computes the next hidden state of batch entry b in direction d from the
// input's part of the gates and the recurrent part.
func (r *recurrence[T]) step(d, b int, in, rec, h, next []T) {
	per := len(r.acts) / r.directions
	acts := r.acts[d*per : (d+1)*per]
	switch r.op {
	case "RNN":
		for k := range next {
			next[k] = T(acts[0](r.clipped(r.gate(d, 0, k, in) + r.recurrent0(d, 0, k, rec))))
		}
	case "GRU":
		r.stepGRU(d, acts, in, rec, h, next)
	default:
		r.stepLSTM(d, b, acts, in, rec, next)
	}
}

// gate is the input's part of element k of a gate, with its bias.
func (r *recurrence[T]) gate(d, gate, k int, in []T) float64 {
	v := float64(in[gate*r.hidden+k])
	if r.bias != nil {
		v += float64(r.bias[(2*d*r.gates+gate)*r.hidden+k])
	}
	return v
}

// recurrent0 is the recurrent part, with its bias.
func (r *recurrence[T]) recurrent0(d, gate, k int, rec []T) float64 {
	v := float64(rec[gate*r.hidden+k])
	if r.bias != nil {
		v += float64(r.bias[((2*d+1)*r.gates+gate)*r.hidden+k])
	}
	return v
}

// clipped is v within the clip threshold, if there is one.
func (r *recurrence[T]) clipped(v float64) float64 {
	if r.clip > 0 {
		return min(max(v, -r.clip), r.clip)
	}
	return v
}

// stepGRU: gates in the order z, r, h.
func (r *recurrence[T]) stepGRU(d int, acts []func(float64) float64, in, rec, h, next []T) {
	n := r.hidden
	reset := make([]float64, n)
	for k := range n {
		reset[k] = acts[0](r.clipped(r.gate(d, 1, k, in) + r.recurrent0(d, 1, k, rec)))
	}
	rw := r.rw[(d*3+2)*n*n:][:n*n]
	for k := range n {
		z := acts[0](r.clipped(r.gate(d, 0, k, in) + r.recurrent0(d, 0, k, rec)))
		var part float64
		if r.linearFirst {
			part = reset[k] * r.recurrent0(d, 2, k, rec)
		} else {
			for j, v := range h {
				part += reset[j] * float64(v) * float64(rw[k*n+j])
			}
			if r.bias != nil {
				part += float64(r.bias[(2*d+1)*3*n+2*n+k])
			}
		}
		candidate := acts[1](r.clipped(r.gate(d, 2, k, in) + part))
		next[k] = T((1-z)*candidate + z*float64(h[k]))
	}
}

// stepLSTM: gates in the order i, o, f, c; peepholes in the order i, o, f.
func (r *recurrence[T]) stepLSTM(d, b int, acts []func(float64) float64, in, rec, next []T) {
	n := r.hidden
	c := r.c[(d*r.batch+b)*n:][:n]
	peep := func(gate, k int, cell float64) float64 {
		if r.p == nil {
			return 0
		}
		return float64(r.p[(d*3+gate)*n+k]) * cell
	}
	sum := func(gate, k int) float64 { return r.gate(d, gate, k, in) + r.recurrent0(d, gate, k, rec) }
	for k := range n {
		old := float64(c[k])
		i := acts[0](r.clipped(sum(0, k) + peep(0, k, old)))
		f := 1 - i
		if !r.coupled {
			f = acts[0](r.clipped(sum(2, k) + peep(2, k, old)))
		}
		cell := f*old + i*acts[1](r.clipped(sum(3, k)))
		o := acts[0](r.clipped(sum(1, k) + peep(1, k, cell)))
		next[k] = T(o * acts[2](cell))
		c[k] = T(cell)
	}
}
