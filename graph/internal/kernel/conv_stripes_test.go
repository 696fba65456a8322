package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// stripeCases are convolutions that follow each other; in is that of the first.
var stripeCases = []struct {
	n      int
	in     []int
	stages []convCase
}{
	{1, []int{17, 20}, []convCase{
		{c: 5, m: 26, group: 1, kernel: []int{1, 1}},
		{c: 26, m: 26, group: 26, kernel: []int{3, 3}, stride: []int{2, 2}, pb: []int{1, 1}, pe: []int{1, 1}},
		{c: 26, m: 7, group: 1, kernel: []int{1, 1}},
	}},
	{3, []int{14, 33}, []convCase{
		{c: 6, m: 6, group: 6, kernel: []int{5, 5}, pb: []int{2, 2}, pe: []int{2, 2}},
		{c: 6, m: 30, group: 1, kernel: []int{1, 1}},
		{c: 30, m: 60, group: 30, kernel: []int{5, 5}, stride: []int{2, 2}, pb: []int{1, 3}, pe: []int{4, 0}},
	}},
	{2, []int{31, 40}, []convCase{
		{c: 3, m: 20, group: 1, kernel: []int{3, 3}, stride: []int{2, 2}, pb: []int{1, 1}, pe: []int{1, 1}},
		{c: 20, m: 9, group: 1, kernel: []int{1, 1}, stride: []int{2, 1}},
	}},
	{2, []int{23, 40}, []convCase{ // rows that nobody reads, rows of padding only
		{c: 3, m: 4, group: 1, kernel: []int{1, 1}},
		{c: 4, m: 4, group: 4, kernel: []int{2, 3}, stride: []int{5, 1}, pb: []int{6, 1}, pe: []int{9, 2}},
		{c: 4, m: 4, group: 4, kernel: []int{3, 3}, dilation: []int{2, 1}, pb: []int{-1, 0}, pe: []int{3, -2}},
	}},
	{1, []int{19, 48}, []convCase{
		{c: 8, m: 8, group: 8, kernel: []int{3, 3}, pb: []int{1, 1}, pe: []int{1, 1}},
		{c: 8, m: 8, group: 8, kernel: []int{3, 3}, pb: []int{5, 1}, pe: []int{7, 1}},
		{c: 8, m: 8, group: 4, kernel: []int{3, 3}, stride: []int{1, 2}, pb: []int{2, 0}, pe: []int{1, 1}},
		{c: 8, m: 8, group: 8, kernel: []int{5, 5}, stride: []int{2, 2}, pb: []int{-3, 4}, pe: []int{9, -2}},
	}},
}

// TestConvStripes: by whatever stripes, they give the bits of its convolutions one by
// one, and what follows sees each output once, after its activation.
func TestConvStripes(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	acts := []*FusedActivation{ClipActivation(0, float32(math.Inf(1))), nil, SiluActivation(), TimesHardSigmoidActivation(1./6, 0.5)}
	for ci, c := range stripeCases {
		var geoms []*ConvGeom
		var operands []ConvStage
		in := c.in
		x := random[float32](rng, c.n*c.stages[0].c*product(in))
		y := x
		for k, s := range c.stages {
			s.n, s.in = c.n, in
			g := s.geom(t)
			if !g.runsByRows() || k > 0 && !g.follows(geoms[k-1]) {
				t.Fatalf("case %d: stage %d is none", ci, k)
			}
			o := ConvStage{Weight: packConv(nil, g, random[float32](rng, g.M*g.cg*g.taps), false), Act: acts[(ci+k)%len(acts)]}
			if k != 1 {
				o.Bias = random[float32](rng, g.M)
			}
			z := make([]float32, g.N*g.M*g.outSize)
			ConvPacked(nil, g, y, o.Weight, o.Bias, z, Finish{Act: o.Act})
			geoms, operands, in, y = append(geoms, g), append(operands, o), g.Out, z
		}
		last := geoms[len(geoms)-1]
		for rows := 1; rows <= last.Out[0]; rows++ {
			for name, par := range map[string]Parallel{"inline": nil, "split": split(3)} {
				group := &ConvStripes{stages: geoms}
				group.cut(rows)
				got, check := guarded[float32](len(y))
				group.Run(par, c.n, x, operands, got, func(first, count, at, n int) {
					for p := first; p < first+count; p++ {
						for i := at; i < at+n; i++ {
							got[p*last.outSize+i]++
						}
					}
				})
				check(t)
				for i, v := range y {
					if got[i] != v+1 {
						t.Fatalf("case %d, stripes of %d rows, %s: element %d is %v, want %v", ci, rows, name, i, got[i], v+1)
					}
				}
			}
		}
	}
}

// TestNewConvStripes: groups are of convolutions that fit each other and can be cut by
// rows, where it pays, and stripes hold no more than a core's cache.
func TestNewConvStripes(t *testing.T) {
	geom := func(c, m, group, in, size, stride int) *ConvGeom {
		pad := []int{size / 2, size / 2}
		one := convCase{n: 1, c: c, m: m, group: group, in: []int{in, in}, kernel: []int{size, size}, stride: []int{stride, stride}, pb: pad, pe: pad}
		return one.geom(t)
	}
	narrow := convCase{n: 1, c: 64, m: 64, group: 1, in: []int{20000, fewColumns}, kernel: []int{1, 1}}
	for name, c := range map[string]struct {
		stages []*ConvGeom
		want   bool
	}{
		"expanded and reduced":  {[]*ConvGeom{geom(16, 64, 1, 160, 1, 1), geom(64, 64, 64, 160, 3, 2), geom(64, 24, 1, 80, 1, 1)}, true},
		"depthwise first":       {[]*ConvGeom{geom(16, 16, 16, 160, 3, 1), geom(16, 16, 1, 160, 1, 1)}, true},
		"many planes":           {[]*ConvGeom{geom(24, 72, 1, 80, 1, 1), geom(72, 72, 72, 80, 5, 2)}, false},
		"small":                 {[]*ConvGeom{geom(16, 64, 1, 40, 1, 1), geom(64, 64, 64, 40, 3, 2), geom(64, 24, 1, 20, 1, 1)}, false},
		"of others":             {[]*ConvGeom{geom(16, 64, 1, 160, 1, 1), geom(32, 32, 32, 160, 3, 2)}, false},
		"by strides":            {[]*ConvGeom{geom(64, 64, 1, 320, 1, 2), geom(64, 64, 64, 160, 3, 2)}, true},
		"first layer":           {[]*ConvGeom{geom(3, 16, 1, 320, 3, 2)}, true},
		"small first layer":     {[]*ConvGeom{geom(3, 16, 1, 160, 3, 2)}, false},
		"heavy":                 {[]*ConvGeom{geom(16, 64, 1, 160, 1, 1), geom(64, 64, 1, 160, 3, 2)}, false},
		"Winograd's":            {[]*ConvGeom{geom(16, 64, 1, 160, 1, 1), geom(64, 12, 1, 160, 3, 1)}, false},
		"wide":                  {[]*ConvGeom{geom(8, 64, 1, 4000, 1, 1), geom(64, 64, 64, 4000, 3, 1)}, false},
		"narrow":                {[]*ConvGeom{narrow.geom(t), narrow.geom(t)}, false},
		"of one dimension only": {[]*ConvGeom{{Window: &Window{In: []int{9}}}}, false},
	} {
		group := NewConvStripes(c.stages...)
		if (group != nil) != c.want {
			t.Errorf("%s: %v, want %v", name, group != nil, c.want)
		}
		if group != nil && (group.Scratch() == 0 || group.Scratch() > 2*stripeElems || group.stripes() < fewStripes) {
			t.Errorf("%s: %d stripes of %d elements", name, group.stripes(), group.Scratch())
		}
	}
}

func BenchmarkConvStripes(b *testing.B) {
	c := convCase{n: 1, c: 16, m: 64, group: 1, in: []int{160, 160}, kernel: []int{1, 1}}
	d := convCase{n: 1, c: 64, m: 64, group: 64, in: []int{160, 160}, kernel: []int{3, 3}, stride: []int{2, 2}, pb: []int{1, 1}, pe: []int{1, 1}}
	e := convCase{n: 1, c: 64, m: 24, group: 1, in: []int{80, 80}, kernel: []int{1, 1}}
	geoms := []*ConvGeom{c.geom(b), d.geom(b), e.geom(b)}
	rng := rand.New(rand.NewPCG(1, 2))
	var operands []ConvStage
	outs := [][]float32{random[float32](rng, c.c*160*160)}
	for _, g := range geoms {
		operands = append(operands, ConvStage{Weight: packConv(nil, g, random[float32](rng, g.M*g.cg*g.taps), false)})
		outs = append(outs, make([]float32, g.M*g.outSize))
	}
	group := NewConvStripes(geoms...)
	b.Run(fmt.Sprintf("stripes%d", group.stripes()), func(b *testing.B) {
		for b.Loop() {
			group.Run(nil, 1, outs[0], operands, outs[3], nil)
		}
	})
	b.Run("whole", func(b *testing.B) {
		for b.Loop() {
			for k, g := range geoms {
				ConvPacked(nil, g, outs[k], operands[k].Weight, nil, slices.Clip(outs[k+1]), Finish{})
			}
		}
	})
}
