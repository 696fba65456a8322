package rule

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/random"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/patterns/match"
)

// The bounds of a probe run, so that it takes less than a second, and is run or not run for
// everyone alike.
const (
	maxProbeWork    = 5e10    // multiplications of all pictures
	maxProbeWeights = 2.5e7   // in number
	maxProbeMemory  = 1 << 30 // bytes that a run holds
	maxProbeNodes   = 5000
	maxEnds         = 64  // parts
	probeSize       = 256 // pixels of a side that the model leaves open, as package random has it

	// longestProbe ends what the work of layers does not bound, as loops.
	longestProbe = 3 * time.Second
)

// probing is what a run of the network on pictures of nothing showed: how large the channels
// that end it are, as the median over the pictures of the mean over places.
type probing struct {
	mean map[*graph.Value][]level
	// not says why the network was not run; empty if it was.
	not string
}

// probe runs the network once, when it is first asked for.
func (s *Scene) probe() *probing {
	if s.probing == nil {
		s.probing = &probing{mean: map[*graph.Value][]level{}}
		if err := s.run(s.probing); err != nil {
			s.NoteUnread(err)
			s.probing.not = err.Error()
		}
	}
	return s.probing
}

// NoteUnread keeps err, of a run of the network or a part of it, if it is one of reading a
// constant.
func (s *Scene) NoteUnread(err error) {
	var unread *graph.LoadError
	if s.unread == nil && errors.As(err, &unread) {
		s.unread = err
	}
}

// ReadErr is the first error of reading a constant that something rests on.
func (s *Scene) ReadErr() error {
	if err := s.Analysis.ReadErr(); err != nil {
		return err
	}
	return s.unread
}

// Unprobed says why the network was not run where a rule asked for that; empty otherwise.
func (s *Scene) Unprobed() string {
	if s.probing == nil {
		return ""
	}
	return s.probing.not
}

// run feeds made-up pictures, and takes the means of what ends the network.
func (s *Scene) run(p *probing) error {
	ends := s.ends()
	if len(ends) == 0 {
		return nil
	}
	if err := s.Affordable(); err != nil {
		return err
	}
	var names []string
	for _, p := range ends {
		names = append(names, p.Value.Name)
	}
	plan, err := interp.New(s.Model, interp.Options{Fetches: slices.Compact(slices.Sorted(slices.Values(names))), MaxMemory: maxProbeMemory})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), longestProbe)
	defer cancel()
	seen := make([][][]level, len(ends)) // by part and picture
	for _, draw := range pictures {
		feeds, err := draw.feeds(plan)
		if err != nil {
			return err
		}
		out, err := plan.Run(ctx, feeds)
		if err != nil {
			return err
		}
		for i, p := range ends {
			if m := means(out[names[i]], p.Dim); m != nil && (len(seen[i]) == 0 || len(m) == len(seen[i][0])) {
				seen[i] = append(seen[i], m)
			}
		}
	}
	for i, e := range ends {
		if len(seen[i]) == len(pictures) {
			p.mean[e.Value] = medians(seen[i])
		}
	}
	return nil
}

// medians are for each channel the level of the picture that is in the middle.
func medians(seen [][]level) []level {
	m := make([]level, len(seen[0]))
	for c := range m {
		var x []level
		for _, of := range seen {
			x = append(x, of[c])
		}
		slices.SortFunc(x, func(a, b level) int { return cmp.Compare(a.mean, b.mean) })
		m[c] = x[len(x)/2]
	}
	return m
}

// ends are the parts that end the network, at most maxEnds.
func (s *Scene) ends() []*Part {
	var ends []*Part
	for _, p := range s.Parts {
		if len(ends) < maxEnds && p.Role != Hidden && p.Role != Proposal && p.Dim >= 0 && p.Value.Graph() == s.Model.Graph && p.Value.Name != "" {
			ends = append(ends, p)
		}
	}
	return ends
}

// Affordable is an error if running the network takes more than a probe may.
func (s *Scene) Affordable() error {
	if n := len(s.Nodes); n > maxProbeNodes {
		return fmt.Errorf("it has %d nodes", n)
	}
	work, weights := 0.0, 0.0
	seen := map[*graph.Value]bool{}
	for _, f := range s.Fields {
		w := s.Weights(f)
		if w == nil {
			continue
		}
		n := 1.0
		for _, d := range w.Shape() {
			n *= float64(max(d.Value, 1))
		}
		if !seen[w] {
			weights += n // those of several levels lie there once
		}
		seen[w] = true
		work += n * places(f)
	}
	switch {
	case work*float64(len(pictures)) > maxProbeWork:
		return fmt.Errorf("its layers multiply %.1e numbers for a picture", work)
	case weights > maxProbeWeights:
		return fmt.Errorf("it has %.1e weights", weights)
	}
	return nil
}

// places is at how many places layer f is computed.
func places(f *match.Field) float64 {
	n := 1.0
	for d, x := range f.Shape {
		switch {
		case d == 0 || d == f.Chan:
		case x.IsKnown():
			n *= float64(x.Value)
		case f.Stride > 0:
			n *= probeSize / f.Stride
		default:
			n *= probeSize
		}
	}
	return n
}

// picture is what a probe run is fed: noise, or brightness that rises over the picture.
type picture struct {
	rises bool
	scale float32 // the greatest value
}

// pictures are noise and a gradient in [0, 1], and a gradient in [0, 255]: which of these
// the network was trained on is not known.
var pictures = []picture{{false, 1}, {true, 1}, {true, 255}}

// feeds are made-up values for all inputs of plan.
func (p picture) feeds(plan *interp.Plan) (map[string]*tensor.Tensor, error) {
	feeds := map[string]*tensor.Tensor{}
	fits := plan.Fits(feeds)
	for _, v := range plan.Feeds() {
		t, err := random.Input(v, nil, 1, fits)
		if err != nil {
			return nil, err
		}
		if t.DType == tensor.Float32 && t.Rank() == 4 {
			p.draw(tensor.Data[float32](t), t.Shape)
		}
		feeds[v.Name] = t
	}
	return feeds, nil
}

// draw makes of uniform noise of a shape the picture.
func (p picture) draw(x []float32, shape []int) {
	rows := max(shape[2]*shape[3], 1)
	for i := range x {
		if p.rises {
			x[i] = (float32(i%rows)/float32(rows) + 0.1*x[i]) / 1.1
		}
		x[i] *= p.scale
	}
}

// means are the means over all axes of t but one, with their standard deviations; nil if
// they are not finite.
func means(t *tensor.Tensor, axis int) []level {
	x := op.Floats(t)
	if axis >= t.Rank() || len(x) == 0 {
		return nil
	}
	n, inner := t.Shape[axis], 1
	for _, d := range t.Shape[axis+1:] {
		inner *= d
	}
	m := make([]level, n)
	share := float64(n) / float64(len(x))
	for i, v := range x {
		m[i/inner%n].mean += v * share
	}
	for i, v := range x {
		c := &m[i/inner%n]
		c.sd += (v - c.mean) * (v - c.mean) * share
	}
	for c := range m {
		if m[c].sd = math.Sqrt(m[c].sd); math.IsNaN(m[c].sd) || math.IsInf(m[c].sd, 0) {
			return nil
		}
	}
	return m
}
