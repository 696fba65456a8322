package onnx

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/onnx/internal/pb"
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

// copyExternal copies m's external data to the folder of path, if that is not
// where it is. undo removes the copies.
func copyExternal(path string, m *graph.Model, opts Options) (undo func(), err error) {
	var made []string
	undo = func() {
		for _, name := range made {
			os.Remove(name)
		}
	}
	if m.Source == nil || m.Source.Path == "" {
		return undo, nil
	}
	from, err := os.Stat(filepath.Dir(m.Source.Path))
	if err != nil {
		return undo, err
	}
	if to, err := os.Stat(filepath.Dir(path)); err != nil || os.SameFile(from, to) {
		return undo, cause(err)
	}
	names, err := ExternalFiles(m)
	if err != nil {
		return undo, err
	}
	for _, name := range names {
		target := filepath.Join(filepath.Dir(path), filepath.FromSlash(name))
		done, err := copyBeside(m.Source.Path, name, target, opts)
		if done {
			made = append(made, target)
		}
		if err != nil {
			return undo, fmt.Errorf("external data %q: %w", name, cause(err))
		}
	}
	return undo, nil
}

// copyBeside copies the external file name of the model at path to target. It
// reports whether it made a file that was not there.
func copyBeside(path, name, target string, opts Options) (made bool, err error) {
	src, err := openExternal(path, name)
	if err != nil {
		return false, err
	}
	defer src.Close()
	old, err := os.Stat(target)
	if err == nil {
		same, err := sameContent(src, target, old)
		if same || err != nil {
			return false, err
		}
		if !opts.Force {
			return false, fmt.Errorf("%w, with other content", fs.ErrExist)
		}
	} else if err := os.MkdirAll(filepath.Dir(target), 0o777); err != nil {
		return false, err
	}
	err = replace(target, opts.Force, func(f *os.File) error {
		_, err := io.Copy(f, src)
		return err
	})
	return old == nil && err == nil, err
}

// sameContent reports whether the file at path, described by info, is src or
// has its bytes. It leaves src at its beginning.
func sameContent(src *os.File, path string, info os.FileInfo) (bool, error) {
	own, err := src.Stat()
	if err != nil {
		return false, err
	}
	if os.SameFile(own, info) {
		return true, nil
	}
	if own.Size() != info.Size() || !info.Mode().IsRegular() {
		return false, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	a, b := make([]byte, largeWindow), make([]byte, largeWindow)
	for {
		n, err := io.ReadFull(src, a)
		k, _ := io.ReadFull(f, b)
		if n != k || !bytes.Equal(a[:n], b[:k]) {
			_, err := src.Seek(0, io.SeekStart)
			return false, err
		}
		if err != nil {
			_, err = src.Seek(0, io.SeekStart)
			return true, err
		}
	}
}
