package picture

import (
	"cmp"
	"slices"
)

// reorder orders layers by the mean place of their neighbours above, or below, and keeps
// the order of a layer if fewer edges cross then; it reports whether that is so anywhere.
func (d *layering) reorder(down bool) bool {
	better := false
	for k := range d.rows {
		row := d.rows[k]
		if !down {
			row = d.rows[len(d.rows)-1-k]
		}
		before := crossings(row)
		old := slices.Clone(row)
		mean := map[*spot]float64{}
		for _, p := range row {
			mean[p] = float64(p.at)
			if near := p.near(down); len(near) > 0 {
				sum, weight := 0.0, 0.0
				for _, u := range near {
					sum, weight = sum+float64(u.to.at)*u.weight, weight+u.weight
				}
				mean[p] = sum / weight
			}
		}
		slices.SortStableFunc(row, func(a, b *spot) int { return cmp.Compare(mean[a], mean[b]) })
		renumber(row)
		switch after := crossings(row); {
		case after < before:
			better = true
		case after > before:
			copy(row, old)
			renumber(row)
		}
	}
	return better
}

func renumber(row []*spot) {
	for i, p := range row {
		p.at = i
	}
}

// near are the links up, or down.
func (p *spot) near(up bool) []link {
	if up {
		return p.up
	}
	return p.down
}

// crossings is how many pairs of edges to and from a layer cross.
func crossings(row []*spot) int {
	n := 0
	for _, up := range []bool{false, true} {
		most := 0
		for _, p := range row {
			for _, u := range p.near(up) {
				most = max(most, u.to.at+1)
			}
		}
		tree, total := make([]int, most+1), 0 // ends so far, by place, summed as Fenwick does
		for _, p := range row {
			for _, u := range p.near(up) {
				left := 0
				for i := u.to.at + 1; i > 0; i -= i & -i {
					left += tree[i]
				}
				n += total - left
			}
			for _, u := range p.near(up) {
				for i := u.to.at + 1; i <= most; i += i & -i {
					tree[i]++
				}
				total++
			}
		}
	}
	return n
}
