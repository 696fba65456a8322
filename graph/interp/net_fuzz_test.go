package interp

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/graph/text"
)

// netSeeds are draws of networks that together have every form of step; see
// TestNetForms.
func netSeeds() []netSeed {
	var seeds []netSeed
	for s := range 220 {
		if s > 100 && netKind(s%16) == largeImage {
			continue // these take the most time
		}
		r := rand.New(rand.NewPCG(uint64(s), 17))
		b := []byte{byte(s)}
		for range 16 + r.IntN(64) {
			b = append(b, byte(r.IntN(256)))
		}
		seed := netSeed{draws: b, options: byte(s)}
		if s%3 == 0 {
			seed.sizes, seed.options = byte(s), 0
		}
		seeds = append(seeds, seed)
	}
	return seeds
}

type netSeed struct {
	draws          []byte
	sizes, options byte
}

// FuzzNet draws a network (netGen) and holds what runs as one against the nodes one by
// one, and one core against two, bit for bit. The corpus in
// testdata is a choice of what fuzzing found.
func FuzzNet(f *testing.F) {
	for _, s := range netSeeds() {
		f.Add(s.draws, s.sizes, s.options)
	}
	f.Fuzz(func(t *testing.T, draws []byte, sizes, options byte) {
		if c := newNetCase(t, draws, sizes, options); c != nil {
			c.check()
		}
	})
}

// netCase is a drawn network with its inputs.
type netCase struct {
	*testing.T
	gen   *netGen
	text  string
	model *graph.Model
	in    map[string]*tensor.Tensor
	opts  Options
	ctx   context.Context
}

func newNetCase(t *testing.T, draws []byte, sizes, options byte) *netCase {
	if len(draws) > 200 {
		return nil
	}
	c := &netCase{T: t, gen: newNet(draws)}
	c.text = c.gen.text(sizes)
	var err error
	if c.model, err = text.Parse(c.text); err != nil {
		t.Fatalf("the generator: %v\n%s", err, c.text)
	}
	c.opts = Options{Double: options&1 != 0, Direct: options&2 != 0}
	c.in = map[string]*tensor.Tensor{"cond": tensor.Scalar(c.gen.cond)}
	r := rand.New(rand.NewPCG(uint64(options), uint64(len(draws))))
	for _, v := range c.gen.inputs {
		d := make([]float32, tensor.Elements(v.shape))
		for i := range d {
			d[i] = 6*r.Float32() - 3
		}
		if options&4 != 0 {
			for _, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.Copysign(0, -1), 0x1p-140} {
				d[r.IntN(len(d))] = float32(x)
			}
		}
		c.in[v.name] = c.asInput(tensor.Of(v.shape, d))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second) // fuzzing gives 10
	t.Cleanup(cancel)
	c.ctx = ctx
	return c
}

// asInput is x with elements of the network's type.
func (c *netCase) asInput(x *tensor.Tensor) *tensor.Tensor {
	switch c.gen.elem {
	case "double":
		return op.Widen(x, true)
	case "float16":
		half, err := tensor.Make(tensor.Float16, x.Shape...)
		if err != nil {
			c.Fatal(err)
		}
		tensor.ToFloat16(tensor.Data[tensor.F16](half), tensor.Data[float32](x))
		return half
	}
	return x
}

// check compares runs of the network, in whole and from the middle on. Where it begins
// with a convolution of slices, that is compared within rounding, and the rest is fed
// what its nodes give.
func (c *netCase) check() {
	feed := maps.Clone(c.in)
	feeds := []string{"x", "z", "cond"}
	if cut := c.gen.cut; cut != "" {
		near, joined := c.gen.near, c.gen.slices
		want, wantErr := c.run(Options{Unfused: true, Threads: 1, Fetches: []string{near, cut, joined}}, feed)
		got, err := c.run(Options{Threads: 2, Fetches: []string{near}}, feed)
		if c.ctx.Err() != nil {
			return
		}
		if wantErr != nil || err != nil {
			c.Fatalf("%v, one by one %v\n%s", err, wantErr, c.text)
		}
		if err := nearTensors(got[near], want[near]); err != nil {
			c.Fatalf("%s: %v\n%s", near, err, c.text)
		}
		feed[cut], feed[joined] = want[cut], want[joined]
		feeds = append(feeds, cut, joined)
	}
	all := c.gen.fetch
	last, middle := all[len(all)-1:], all[len(all)/2]
	c.compare(feed, feeds, slices.Compact([]string{middle, last[0], all[len(all)/3]}), Options{Threads: 2})
	c.compare(feed, feeds, last, Options{Threads: 1}, Options{Threads: 2})
	if want := c.compare(feed, feeds, all, Options{Threads: 1}, Options{Threads: 2, Unfused: true}); want != nil && !slices.Contains(feeds, middle) {
		feed[middle] = want[middle]
		c.compare(feed, append(feeds, middle), last, Options{Threads: 1})
	}
}

// compare holds runs with the given options against the nodes one by one on one core,
// of which it gives what they make; nil if they fail.
func (c *netCase) compare(feed map[string]*tensor.Tensor, feeds, fetch []string, options ...Options) map[string]*tensor.Tensor {
	want, wantErr := c.run(Options{Unfused: true, Threads: 1, Feeds: feeds, Fetches: fetch}, feed)
	for _, o := range options {
		o.Feeds, o.Fetches = feeds, fetch
		got, err := c.run(o, feed)
		if c.ctx.Err() != nil {
			return nil
		}
		if (err == nil) != (wantErr == nil) {
			c.Fatalf("%+v: error %v, want %v\n%s", o, err, wantErr, c.text)
		}
		for name, x := range got {
			if err := sameElements(x, want[name]); err != nil {
				c.Fatalf("%+v: %s: %v\n%s", o, name, err, c.text)
			}
		}
	}
	return want
}

// run plans the network and runs it, twice on one core, which gives the same.
func (c *netCase) run(o Options, feed map[string]*tensor.Tensor) (map[string]*tensor.Tensor, error) {
	if err := c.ctx.Err(); err != nil {
		return nil, err
	}
	o.Double, o.Direct = c.opts.Double, c.opts.Direct
	p, err := New(c.model, o)
	if err != nil {
		return nil, err
	}
	if forms := map[string]int{}; o.Feeds != nil {
		if netForms(p.prog, c.gen, forms); forms["space-to-depth"] > 0 {
			c.Skip("space-to-depth by chance")
		}
	}
	use := map[string]*tensor.Tensor{}
	for _, v := range p.Feeds() {
		use[v.Name] = feed[v.Name]
	}
	first, err := p.Run(c.ctx, use)
	var d *DefectError
	if errors.As(err, &d) {
		c.Fatalf("%v\n%s\n%s", d, d.Stack, c.text)
	}
	if err != nil || c.ctx.Err() != nil || o.Unfused || o.Threads > 1 {
		return first, err
	}
	again, err := p.Run(c.ctx, use)
	if c.ctx.Err() != nil {
		return nil, err
	}
	if err != nil {
		c.Fatalf("%+v: the second run: %v\n%s", o, err, c.text)
	}
	for name, x := range again {
		if err := sameElements(x, first[name]); err != nil {
			c.Fatalf("%+v: the second run: %s: %v\n%s", o, name, err, c.text)
		}
	}
	return first, nil
}

// sameElements tells how x differs from want, but for which NaN is where one is.
func sameElements(x, want *tensor.Tensor) error {
	if x.DType != want.DType || !slices.Equal(x.Shape, want.Shape) {
		return fmt.Errorf("%v, want %v", x, want)
	}
	w := op.Floats(want)
	for i, v := range op.Floats(x) {
		if math.Float64bits(v) != math.Float64bits(w[i]) && (v == v || w[i] == w[i]) {
			return fmt.Errorf("[%d] = %v, want %v", i, v, w[i])
		}
	}
	return nil
}

// nearTensors tells how x differs from want by more than rounding.
func nearTensors(x, want *tensor.Tensor) error {
	if x.DType != want.DType || !slices.Equal(x.Shape, want.Shape) {
		return fmt.Errorf("%v, want %v", x, want)
	}
	tol := 1e-4
	if x.DType == tensor.Float16 {
		tol = 3e-2
	}
	w := op.Floats(want)
	for i, v := range op.Floats(x) {
		if d := math.Abs(v - w[i]); d > tol*(1+math.Abs(w[i])) || (v == v) != (w[i] == w[i]) {
			return fmt.Errorf("[%d] = %v, want %v", i, v, w[i])
		}
	}
	return nil
}
