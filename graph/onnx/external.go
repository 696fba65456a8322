package onnx

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/onnx/internal/pb"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// ExternalFiles is the names of the files beside the model's that hold
// elements of its constants, sorted, with slashes.
func ExternalFiles(m *graph.Model) ([]string, error) {
	set := map[string]bool{}
	eachData(m, func(d *graph.Data) {
		if d.External != "" && !d.Origin.IsZero() {
			set[d.External] = true
		}
	})
	if o, ok := m.Origin.(*origin); ok && m.Source != nil {
		w := newWire(m.Source, m.Source.Size)
		for _, e := range o.training {
			if err := w.external(e, trainingShape, set); err != nil {
				return nil, err
			}
		}
	}
	names := make([]string, 0, len(set))
	for name := range set {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
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

// shape is the fields of a message under which tensors can be found; nil is
// that of a TensorProto.
type shape map[protowire.Number]shape

var trainingShape = func() shape {
	graphs, sparse := shape{}, shape{sparseValues: nil, sparseIndices: nil}
	attr := shape{attrTensor: nil, attrTensors: nil, attrGraph: graphs, attrGraphs: graphs, attrSparse: sparse, attrSparses: sparse}
	graphs[graphNode] = shape{nodeAttribute: attr}
	graphs[graphInit] = nil
	graphs[graphSparse] = sparse
	return shape{1: graphs, 2: graphs}
}()

// external adds to set the files that tensors in the message e name.
func (w *wire) external(e graph.Extent, s shape, set map[string]bool) error {
	if s == nil {
		b, err := w.split(e, payloadFields, func(field) error { return nil })
		if err != nil {
			return err
		}
		p := &pb.TensorProto{}
		if err := decode.Unmarshal(b, p); err != nil {
			return w.errorf(e.Off, "%w", err)
		}
		if p.GetDataLocation() == pb.TensorProto_EXTERNAL {
			set[entry(p.ExternalData, "location")] = true
		}
		return nil
	}
	return w.each(e, func(f field) error {
		if inner, ok := s[f.num]; ok && f.typ == protowire.BytesType {
			return w.external(f.body, inner, set)
		}
		return nil
	})
}

// loadExternal reads elements that lie in another file of the model's folder.
func loadExternal(src *graph.Source, m *tensorMessage) (*tensor.Tensor, error) {
	name := entry(m.head.ExternalData, "location")
	f, err := openExternal(src.Path, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	e := graph.Extent{Len: rawSize(m.dtype(), m.count)}
	for i, at := range []*int64{&e.Off, &e.Len} {
		key := []string{"offset", "length"}[i]
		if s := entry(m.head.ExternalData, key); s != "" {
			if *at, err = strconv.ParseInt(s, 10, 64); err != nil || *at < 0 {
				return nil, fmt.Errorf("external data %q: %s %q", name, key, s)
			}
		}
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if e.Off > info.Size() || e.Len > info.Size()-e.Off {
		return nil, fmt.Errorf("external data %q: %d bytes at %d wanted, the file has %d", name, e.Len, e.Off, info.Size())
	}
	return loadRaw(f, e, m.dtype(), m.dims, m.count)
}

// openExternal opens the file name in the folder of the model at path. Neither
// the name nor a link may lead out of that folder.
func openExternal(path, name string) (*os.File, error) {
	if path == "" {
		return nil, fmt.Errorf("external data %q: the model was not read from a file, so it has no folder", name)
	}
	local := filepath.FromSlash(name)
	if !filepath.IsLocal(local) {
		return nil, fmt.Errorf("external data %q: not a path inside the model's folder", name)
	}
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	defer root.Close()
	info, err := root.Stat(local) // first, because opening a pipe would wait
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: not a file", name)
	}
	if err != nil {
		return nil, fmt.Errorf("external data: %w", err)
	}
	f, err := root.Open(local)
	if err != nil {
		return nil, fmt.Errorf("external data: %w", err)
	}
	return f, nil
}
