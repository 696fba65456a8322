package onnx

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/limits"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// ExternalFiles is the names of the files beside the model's that hold
// elements of its constants, sorted, with slashes.
func ExternalFiles(m *graph.Model) ([]string, error) {
	set := map[string]bool{}
	err := eachOutside(m.Source, outside(m), func(t *tensorMessage) error {
		set[entry(t.head.ExternalData, "location")] = true
		return nil
	})
	return slices.Sorted(maps.Keys(set)), err
}

// place is a message of a model's file.
type place struct {
	graph.Extent
	shape shape
}

// outside is where in m's file tensors may lie whose elements are in other files,
// of those that a file written of m takes from there: in the file's order.
func outside(m *graph.Model) []place {
	o, ok := m.Origin.(*origin)
	if !ok || m.Source == nil {
		return nil
	}
	var list []place
	eachData(m, func(d *graph.Data) {
		if d.External == "" || d.Origin.IsZero() {
			return
		}
		s := tensorShape
		if o.sparse[d] {
			s = sparseShape
		}
		list = append(list, place{d.Origin, s})
	})
	for _, e := range o.training {
		list = append(list, place{e, trainingShape})
	}
	slices.SortFunc(list, func(a, b place) int { return int(a.Off - b.Off) })
	return slices.CompactFunc(list, func(a, b place) bool { return a.Extent == b.Extent })
}

// eachOutside calls do for the tensors in the given messages of src whose elements
// lie in other files.
func eachOutside(src *graph.Source, list []place, do func(*tensorMessage) error) error {
	if len(list) == 0 {
		return nil
	}
	w := newWire(src, src.Size)
	for _, p := range list {
		if err := w.external(p.Extent, p.shape, 0, do); err != nil {
			return err
		}
	}
	return nil
}

// eachData calls do for every constant of m.
func eachData(m *graph.Model, do func(*graph.Data)) {
	var visit func(g *graph.Graph)
	attrs := func(as []*graph.Attr) {
		for _, a := range as {
			if a.Tensor != nil {
				do(a.Tensor)
			}
			for _, d := range a.Tensors {
				do(d)
			}
			if a.Graph != nil {
				visit(a.Graph)
			}
			for _, g := range a.Graphs {
				visit(g)
			}
		}
	}
	visit = func(g *graph.Graph) {
		for _, v := range g.Inits {
			do(v.Init)
		}
		for _, n := range g.Nodes {
			attrs(n.Attrs)
		}
	}
	visit(m.Graph)
	for _, f := range m.Functions {
		attrs(f.Defaults)
		visit(f.Body)
	}
}

// shape is the fields of a message under which tensors can be found; that of a
// TensorProto is nil.
type shape map[protowire.Number]shape

var (
	tensorShape   shape
	sparseShape   = shape{sparseValues: tensorShape, sparseIndices: tensorShape}
	graphShape    = shape{} // filled below: graphs lie in graphs
	attrShape     = shape{attrTensor: tensorShape, attrTensors: tensorShape, attrGraph: graphShape, attrGraphs: graphShape, attrSparse: sparseShape, attrSparses: sparseShape}
	nodeShape     = shape{nodeAttribute: attrShape}
	functionShape = shape{functionNode: nodeShape, functionAttr: attrShape}
	trainingShape = shape{1: graphShape, 2: graphShape} // initialization, algorithm
	modelShape    = shape{modelGraph: graphShape, modelTraining: trainingShape, modelFunctions: functionShape}
)

func init() {
	graphShape[graphNode], graphShape[graphInit], graphShape[graphSparse] = nodeShape, tensorShape, sparseShape
}

// external calls do for every tensor in the message e whose elements lie in
// another file.
func (w *wire) external(e graph.Extent, s shape, depth int, do func(*tensorMessage) error) error {
	if s == nil {
		t, err := w.tensorMessage(e)
		if err == nil && t.external() {
			err = do(t)
		}
		return err
	}
	if depth > limits.Nesting {
		return w.errorf(e.Off, "messages nested deeper than %d", limits.Nesting)
	}
	return w.each(e, func(f field) error {
		if inner, ok := s[f.num]; ok && f.typ == protowire.BytesType {
			return w.external(f.body, inner, depth+1, do)
		}
		return nil
	})
}

// reference is a range of bytes of another file.
type reference struct {
	location string
	graph.Extent
}

// reference is where the elements of an external tensor lie.
func (m *tensorMessage) reference() (reference, error) {
	r := reference{entry(m.head.ExternalData, "location"), graph.Extent{Len: rawSize(m.dtype(), m.count)}}
	seen := map[string]bool{}
	for _, p := range m.head.ExternalData {
		key, value := p.GetKey(), p.GetValue()
		at := map[string]*int64{"offset": &r.Off, "length": &r.Len}[key]
		if at == nil && key != "location" {
			continue
		}
		if seen[key] {
			return r, fmt.Errorf("external data %q: %s is given twice", r.location, key)
		}
		seen[key] = true
		if at == nil || value == "" {
			continue
		}
		var err error
		if *at, err = strconv.ParseInt(value, 10, 64); err != nil || *at < 0 {
			return r, fmt.Errorf("external data %q: %s %q", r.location, key, value)
		}
	}
	return r, nil
}

// inside reports, as an error, that a file of the given size does not have the range.
func (r reference) inside(size int64) error {
	if r.Off > size || r.Len > size-r.Off {
		return fmt.Errorf("external data %q: needs %d bytes at offset %d, but the file has %d", r.location, r.Len, r.Off, size)
	}
	return nil
}

// CheckExternal reports the first constant of m whose elements lie in a file that is not
// there, may not be read or is too short. No elements are read.
func CheckExternal(m *graph.Model) error {
	sizes := map[string]int64{}
	return eachOutside(m.Source, outside(m), func(x *tensorMessage) error {
		at, err := x.reference()
		size, known := sizes[at.location]
		if err == nil && !known {
			size, err = externalSize(m.Source, at.location)
			sizes[at.location] = size
		}
		if err == nil {
			err = at.inside(size)
		}
		if err != nil {
			return &graph.LoadError{Tensor: x.head.GetName(), Err: err}
		}
		return nil
	})
}

func externalSize(src *graph.Source, location string) (int64, error) {
	f, err := openExternal(src, location)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// loadExternal reads elements that lie in another file of the model's folder.
func loadExternal(src *graph.Source, m *tensorMessage) (*tensor.Tensor, error) {
	var f dataReader
	defer f.close()
	at, err := f.open(src, m)
	if err != nil {
		return nil, err
	}
	return loadRaw(f.file, at, m.dtype(), m.dims, m.count)
}

// dataReader is a file of external data that is open.
type dataReader struct {
	name string
	file *os.File
	size int64
}

// open opens the file that has the elements of m, and says where they lie there.
func (r *dataReader) open(src *graph.Source, m *tensorMessage) (graph.Extent, error) {
	at, err := m.reference()
	if err != nil {
		return at.Extent, err
	}
	if r.file == nil || at.location != r.name {
		r.close()
		f, err := openExternal(src, at.location)
		if err != nil {
			return at.Extent, err
		}
		info, err := f.Stat()
		if err != nil {
			f.Close()
			return at.Extent, err
		}
		r.name, r.file, r.size = at.location, f, info.Size()
	}
	return at.Extent, at.inside(r.size)
}

func (r *dataReader) close() {
	if r.file != nil {
		r.file.Close()
		r.file = nil
	}
}

// openExternal opens a file of external data by its location.
func openExternal(src *graph.Source, name string) (*os.File, error) {
	if src.External == nil {
		return nil, fmt.Errorf("external data %q: the model was not read from a file, so its folder is unknown", name)
	}
	return src.External(name)
}
