package picture

// apart is the least distance between the centres of two neighbours in a layer.
func apart(a, b *spot) float64 {
	gap := float64(boxGap)
	if a.box < 0 || b.box < 0 {
		gap = lineGap
	}
	return (a.width+b.width)/2 + gap
}

// pack puts the spots of each layer side by side.
func (d *layering) pack() {
	for _, row := range d.rows {
		x := 0.0
		for i, p := range row {
			if i > 0 {
				x += apart(row[i-1], p)
			}
			p.x = x
		}
		for _, p := range row {
			p.x -= x / 2
		}
	}
}

// block is neighbours in a layer that touch: where the first of them wants to stand, by
// the mean of what all want.
type block struct {
	want, weight float64
	count        int
}

// place moves each spot to where its neighbours above, or below, are on the average, as
// far as the order and the distances allow: the least sum of squares, by pooling those
// that get in each other's way (Ayer et al., Annals of Mathematical Statistics 26, 1955).
func (d *layering) place(down bool) {
	for k := range d.rows {
		row := d.rows[k]
		if !down {
			row = d.rows[len(d.rows)-1-k]
		}
		var pools []block
		offset := make([]float64, len(row))
		for i, p := range row {
			if i > 0 {
				offset[i] = offset[i-1] + apart(row[i-1], p)
			}
			want, weight := p.x*0.01, 0.01
			for _, u := range p.near(down) {
				want, weight = want+u.to.x*u.weight, weight+u.weight
			}
			for _, u := range p.near(!down) {
				want, weight = want+u.to.x*u.weight*0.3, weight+u.weight*0.3
			}
			b := block{want/weight - offset[i], weight, 1}
			for len(pools) > 0 && pools[len(pools)-1].want >= b.want {
				a := pools[len(pools)-1]
				pools = pools[:len(pools)-1]
				sum := a.weight + b.weight
				b = block{(a.want*a.weight + b.want*b.weight) / sum, sum, a.count + b.count}
			}
			pools = append(pools, b)
		}
		i := 0
		for _, b := range pools {
			for range b.count {
				row[i].x = b.want + offset[i]
				i++
			}
		}
	}
}
