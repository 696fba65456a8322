package op

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(&Op{
		Name: "TfIdfVectorizer", Equation: "y = how often each n-gram of the pool is in a row of x, its elements up to max_skip_count apart; or its weight",
		Flow:     flow.Flow{Pass: flow.Untraced},
		Versions: []int64{9}, In: Arity{1, 1}, Out: Arity{1, 1}, NoGrad: "it counts, and counts are piecewise constant",
		Infer: inferTfIdf, Kernel: makeTfIdf,
	})
}

func inferTfIdf(c *Infer) error {
	last, err := gramOutputs(c.Node)
	if err != nil {
		return err
	}
	s := c.Input(0).Shape
	switch {
	case s == nil:
		c.Set(0, tensor.Float32, nil)
	case len(s) > 1:
		c.Set(0, tensor.Float32, graph.Shape{s[0], graph.Known(int64(last))})
	default:
		c.Set(0, tensor.Float32, graph.Shape{graph.Known(int64(last))})
	}
	return nil
}

// maxGramOutputs bounds the columns of the result.
const maxGramOutputs = 1 << 26

// gramOutputs is the number of columns: one more than the greatest index.
func gramOutputs(n *graph.Node) (int, error) {
	size := int64(0)
	for _, i := range n.Ints("ngram_indexes") {
		if i < 0 || i >= maxGramOutputs {
			return 0, attrError("ngram_indexes", i, fmt.Sprintf("numbers from 0 to %d", maxGramOutputs-1))
		}
		size = max(size, i+1)
	}
	return int(size), nil
}

// gram is a node of the tree of n-grams: next leads on by one more element,
// and id is the number of the n-gram that ends here, or −1.
type gram[T comparable] struct {
	id   int
	next map[T]*gram[T]
}

// tfidf is a TfIdfVectorizer node at plan time, over elements of type T.
type tfidf[T comparable] struct {
	grams               *gram[T]
	shortest, longest   int // n-grams
	skips               int
	columns             []int64 // of each n-gram
	weights             []float64
	outputs             int
	useCount, useWeight bool
	dtype               tensor.DType // of the result
}

func makeTfIdf(s *Spec) (Kernel, error) {
	if s.Has("pool_strings") {
		v, err := newTfIdf(s, s.Node.Strings("pool_strings"))
		if err != nil {
			return nil, err
		}
		return func(x *Call) error {
			in, err := texts(x, 0)
			if err != nil {
				return err
			}
			return v.run(x, in)
		}, nil
	}
	v, err := newTfIdf(s, s.Ints("pool_int64s"))
	if err != nil {
		return nil, err
	}
	return func(x *Call) error {
		in, err := int64s(x, 0)
		if err != nil {
			return err
		}
		return v.run(x, in)
	}, nil
}

func newTfIdf[T comparable](s *Spec, pool []T) (*tfidf[T], error) {
	v := &tfidf[T]{
		grams: &gram[T]{id: -1}, shortest: int(s.Int("min_gram_length", 1)), longest: int(s.Int("max_gram_length", 1)),
		skips: int(s.Int("max_skip_count", 0)), columns: s.Ints("ngram_indexes"), dtype: s.DType(tensor.Float32),
	}
	if v.shortest < 1 || v.longest < v.shortest || v.skips < 0 {
		return nil, fmt.Errorf("n-grams of %d to %d elements with up to %d skipped", v.shortest, v.longest, v.skips)
	}
	switch mode := s.Str("mode", ""); mode {
	case "TF":
		v.useCount = true
	case "IDF":
		v.useWeight = true
	case "TFIDF":
		v.useCount, v.useWeight = true, true
	default:
		return nil, attrError("mode", mode, "TF, IDF or TFIDF")
	}
	var err error
	if v.outputs, err = gramOutputs(s.Node); err != nil {
		return nil, err
	}
	if w := s.Node.Attr("weights"); w != nil {
		for _, f := range w.Floats {
			v.weights = append(v.weights, float64(f))
		}
		if len(v.weights) != len(v.columns) {
			return nil, attrError("weights", len(v.weights), fmt.Sprintf("one for each of the %d ngram_indexes", len(v.columns)))
		}
	}
	return v, v.fill(pool, s.Ints("ngram_counts"))
}

// fill puts the pool into the tree: the n-grams of n elements begin at
// counts[n−1].
func (v *tfidf[T]) fill(pool []T, counts []int64) error {
	id := 0
	for k, from := range counts {
		to := int64(len(pool))
		if k+1 < len(counts) {
			to = counts[k+1]
		}
		if from < 0 || from > to || to > int64(len(pool)) {
			return attrError("ngram_counts", counts, fmt.Sprintf("ascending up to the %d of the pool", len(pool)))
		}
		n := k + 1
		for at := int(from); at+n <= int(to); at += n {
			if id >= len(v.columns) {
				return attrError("ngram_indexes", len(v.columns), "one for each n-gram of the pool")
			}
			if n >= v.shortest && n <= v.longest {
				v.grams.add(pool[at:at+n], id)
			}
			id++
		}
	}
	return nil
}

func (g *gram[T]) add(elems []T, id int) {
	for _, e := range elems {
		if g.next == nil {
			g.next = map[T]*gram[T]{}
		}
		if g.next[e] == nil {
			g.next[e] = &gram[T]{id: -1}
		}
		g = g.next[e]
	}
	g.id = id
}

func (v *tfidf[T]) run(x *Call, in []T) error {
	rows, shape := 1, []int{v.outputs}
	switch s := x.In[0].Shape; {
	case len(s) == 2:
		rows, shape = s[0], []int{s[0], v.outputs}
	case len(s) > 2:
		return x.InputError(0, "rank %d, want 1 or 2", len(s))
	}
	out, err := x.New(0, v.dtype, shape...)
	if err != nil || out.Len() == 0 {
		return err
	}
	size := len(in) / rows
	found := make([]float64, v.outputs)
	for r := range rows {
		if err := x.Context.Err(); err != nil {
			return err
		}
		clear(found)
		v.count(found, in[r*size:][:size])
		for i, f := range found {
			if v.dtype == tensor.Float64 {
				tensor.Data[float64](out)[r*v.outputs+i] = f
			} else {
				tensor.Data[float32](out)[r*v.outputs+i] = float32(f)
			}
		}
	}
	return nil
}

// count counts the n-grams of one row; those of one element are counted once,
// since no skip tells them apart.
func (v *tfidf[T]) count(dst []float64, row []T) {
	for step := 1; step <= v.skips+1 && step <= max(len(row), 1); step++ {
		for first := range row {
			g := v.grams
			for n, at := 1, first; n <= v.longest && at < len(row); n, at = n+1, at+step {
				if g = g.next[row[at]]; g == nil {
					break
				}
				if g.id >= 0 && n >= v.shortest && (n > 1 || step == 1) {
					v.hit(dst, g.id)
				}
			}
		}
	}
}

func (v *tfidf[T]) hit(dst []float64, id int) {
	w := 1.0
	if v.useWeight && v.weights != nil {
		w = v.weights[id]
	}
	if v.useCount {
		dst[v.columns[id]] += w
	} else {
		dst[v.columns[id]] = w
	}
}
