package patterns_test

import (
	"io"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/patterns"
)

// recorder notes which bytes of a file are read.
type recorder struct {
	io.ReaderAt
	reads []graph.Extent
}

func (r *recorder) ReadAt(p []byte, off int64) (int, error) {
	r.reads = append(r.reads, graph.Extent{Off: off, Len: int64(len(p))})
	return r.ReaderAt.ReadAt(p, off)
}

// block is how far a read for what lies beside a constant may reach into it.
const block = 256 << 10

// TestWeightsAreUnread: neither reading a model, nor finding and showing its
// head, reads the elements of a constant that is larger than shapes are.
func TestWeightsAreUnread(t *testing.T) {
	for _, dir := range folders(t) {
		for _, path := range models(t, dir) {
			t.Run(readKey(t, path).Name, func(t *testing.T) {
				whole := open(t, path)
				file := &recorder{ReaderAt: whole.Source.ReaderAt}
				m, err := onnx.ReadAt(file, whole.Source.Size, whole.Source.Path)
				if err != nil {
					t.Fatal(err)
				}
				var large []graph.Extent // what no read reaches by chance
				for _, v := range m.Graph.Inits {
					n := 1
					for _, d := range v.Init.Dims {
						n *= d
					}
					if n <= op.MaxFold {
						continue
					}
					if x := v.Init.Origin; x.Len > 2*block {
						large = append(large, graph.Extent{Off: x.Off + block, Len: x.Len - 2*block})
					}
					v.Init.Load = func() (*tensor.Tensor, error) {
						t.Errorf("%s, %d elements, was read", v.Name, n)
						return nil, io.ErrUnexpectedEOF
					}
				}
				show(t, m)
				for _, x := range file.reads {
					for _, y := range large {
						if x.Off < y.Off+y.Len && y.Off < x.Off+x.Len {
							t.Fatalf("%d bytes were read at %d, in a constant that reaches from %d for %d bytes", x.Len, x.Off, y.Off-block, y.Len+2*block)
						}
					}
				}
			})
		}
	}
}

// show finds the heads of m, if it has any, and all that is said of them.
func show(t *testing.T, m *graph.Model) {
	t.Helper()
	r, err := patterns.Locate(m, patterns.Options{Evidence: []patterns.Evidence{patterns.Metadata, patterns.Weights}})
	if err != nil {
		return
	}
	for _, h := range r.Heads {
		r.Path(h)
		r.Neighbourhood(h)
		h.Reasons()
		if _, err := patterns.Why(m, h.Levels[0].Source.Name, patterns.Options{Evidence: []patterns.Evidence{patterns.Metadata, patterns.Weights}}); err != nil {
			t.Error(err)
		}
	}
}
