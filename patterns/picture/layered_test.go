package picture

import (
	"math/rand/v2"
	"testing"
)

// TestArrange: boxes of a layer keep their distance, edges lead down from box to box, and
// circles and edges to the same box do no harm.
func TestArrange(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		s := &sizes{}
		n := 1 + r.IntN(40)
		for range n {
			s.Sizes = append(s.Sizes, [2]float64{20 + 200*r.Float64(), 20 + 60*r.Float64()})
		}
		circles := r.IntN(4) == 0
		for range r.IntN(3 * n) {
			from, to := r.IntN(n), r.IntN(n)
			if from == to {
				continue
			}
			if from > to && !circles {
				from, to = to, from
			}
			s.Edges = append(s.Edges, [3]int{from, to, 1 + r.IntN(4)})
		}
		l, err := arrange(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		for i, a := range l.Boxes {
			w, h := s.Sizes[i][0]/2, s.Sizes[i][1]/2
			if a[0]-w < -1e-6 || a[0]+w > l.Width+1e-6 || a[1]-h < -1e-6 || a[1]+h > l.Height+1e-6 {
				t.Errorf("box %d at %v lies outside of %g × %g", i, a, l.Width, l.Height)
			}
			for k := range i {
				b := l.Boxes[k]
				if dx := max(a[0], b[0]) - min(a[0], b[0]); a[1] == b[1] && dx < w+s.Sizes[k][0]/2+boxGap-1e-6 {
					t.Errorf("boxes %d and %d are %g apart", i, k, dx)
				}
			}
		}
		for i, e := range s.Edges {
			line := l.Lines[i]
			first, last := line[0], line[len(line)-1]
			for k, p := range [][2]float64{first, last} {
				b, size := l.Boxes[e[k]], s.Sizes[e[k]]
				if p[0] < b[0]-size[0]/2 || p[0] > b[0]+size[0]/2 || p[1] < b[1]-size[1]/2-1e-6 || p[1] > b[1]+size[1]/2+1e-6 {
					t.Errorf("edge %v ends at %v, not at box %d", e, p, e[k])
				}
			}
			if !circles && first[1] >= last[1] {
				t.Errorf("edge %v leads from %v up to %v", e, first, last)
			}
		}
	}
}

// TestUncrossed: trees and grids are drawn without a crossing, and chains straight.
func TestUncrossed(t *testing.T) {
	box := [2]float64{60, 30}
	tree := &sizes{Sizes: [][2]float64{box}}
	for i := 1; i < 63; i++ {
		tree.Sizes = append(tree.Sizes, box)
		tree.Edges = append(tree.Edges, [3]int{(i - 1) / 2, i, 1})
	}
	ladder := &sizes{Sizes: [][2]float64{box, box}}
	for i := 2; i < 40; i++ { // two chains, with rungs of which the first is long
		ladder.Sizes = append(ladder.Sizes, box)
		ladder.Edges = append(ladder.Edges, [3]int{i - 2, i, 1})
	}
	ladder.Edges = append(ladder.Edges, [3]int{0, 38, 1})
	for name, s := range map[string]*sizes{"tree": tree, "ladder": ladder} {
		d := newLayers(s)
		for k := range orderSweeps {
			d.reorder(k%2 == 0)
		}
		n := 0
		for _, row := range d.rows {
			n += crossings(row)
		}
		if n > 0 {
			t.Errorf("%s: %d crossings", name, n)
		}
	}
	l, err := arrange(t.Context(), &sizes{Sizes: [][2]float64{box, {200, 30}, box}, Edges: [][3]int{{0, 1, 1}, {1, 2, 1}}})
	if err != nil {
		t.Fatal(err)
	}
	if l.Boxes[0][0] != l.Boxes[1][0] || l.Boxes[1][0] != l.Boxes[2][0] {
		t.Errorf("a chain at %v", l.Boxes)
	}
}

// BenchmarkArrange lays out a chain of blocks with skips, as a network has them.
func BenchmarkArrange(b *testing.B) {
	s := &sizes{}
	for i := range 2000 {
		s.Sizes = append(s.Sizes, [2]float64{100, 40})
		for _, back := range []int{1, 3, 20} {
			if i >= back && i%back == 0 {
				s.Edges = append(s.Edges, [3]int{i - back, i, 1})
			}
		}
	}
	for b.Loop() {
		if _, err := arrange(b.Context(), s); err != nil {
			b.Fatal(err)
		}
	}
}
