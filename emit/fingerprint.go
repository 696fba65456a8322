package emit

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"sync"

	"github.com/onnxloss/onnxloss/graph"
)

// Fingerprint digests everything the given values depend on: nodes with their
// attributes, initializers with their elements, and names. It lets verify tell
// from a training graph alone that the network has not changed since it was
// emitted. Elements enter by checksum, in the encoding that the file uses.
func Fingerprint(g *graph.Graph, roots []*graph.Value) (string, error) {
	f, data, err := structure(g, roots)
	if err != nil {
		return "", err
	}
	sums, err := checksums(g.Model, data)
	if err != nil {
		return "", err
	}
	return f.with(data, sums), nil
}

// structure digests the nodes that roots depend on, and returns the constants still to be
// digested.
func structure(g *graph.Graph, roots []*graph.Value) (*fingerprint, []*graph.Data, error) {
	f := &fingerprint{h: sha256.New()}
	nodes, inits := restsOn(g, roots)
	for _, n := range g.Nodes {
		if nodes[n] {
			f.node(n)
		}
	}
	var data []*graph.Data
	for _, v := range g.Inits {
		if inits[v] {
			data = append(data, v.Init)
		}
	}
	return f, data, f.err
}

// with completes the fingerprint with the constants' checksums.
func (f *fingerprint) with(data []*graph.Data, sums []uint32) string {
	for i, d := range data {
		fmt.Fprintf(f.h, "init %q %d %v %x\n", d.Name, d.DType, d.Dims, sums[i])
	}
	return hex.EncodeToString(f.h.Sum(nil))
}

// restsOn is the nodes and initializers of g that roots depend on.
func restsOn(g *graph.Graph, roots []*graph.Value) (map[*graph.Node]bool, map[*graph.Value]bool) {
	nodes, seen := map[*graph.Node]bool{}, map[*graph.Value]bool{}
	todo := append([]*graph.Value{}, roots...)
	for len(todo) > 0 {
		v := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if v == nil || seen[v] {
			continue
		}
		seen[v] = true
		if n := v.Producer(); n != nil && n.Graph() == g && !nodes[n] {
			nodes[n] = true
			todo = append(append(todo, n.Inputs...), n.Captures()...)
		}
	}
	return nodes, seen
}

type fingerprint struct {
	h   hash.Hash
	err error
}

func (f *fingerprint) node(n *graph.Node) {
	fmt.Fprintf(f.h, "node %q %q %q", graph.CanonicalDomain(n.Domain), n.Op, n.Overload)
	for _, list := range [][]*graph.Value{n.Inputs, n.Outputs} {
		fmt.Fprintf(f.h, " %d", len(list))
		for _, v := range list {
			name := ""
			if v != nil {
				name = v.Name
			}
			fmt.Fprintf(f.h, " %q", name)
		}
	}
	for _, a := range n.Attrs {
		f.attr(a)
	}
	fmt.Fprintln(f.h)
}

func (f *fingerprint) attr(a *graph.Attr) {
	fmt.Fprintf(f.h, " %q %q %d %x %d %q %x %d %q %v", a.Name, a.RefName, a.Kind, a.F, a.I, a.S, a.Floats, a.Ints, a.Strings, a.Types)
	for _, d := range append([]*graph.Data{a.Tensor}, a.Tensors...) {
		f.data(d)
	}
	for _, g := range append([]*graph.Graph{a.Graph}, a.Graphs...) {
		f.graph(g)
	}
}

func (f *fingerprint) data(d *graph.Data) {
	if d == nil {
		return
	}
	sum, err := checksum(d)
	if err != nil {
		if f.err == nil {
			f.err = err
		}
		return
	}
	fmt.Fprintf(f.h, " %d %v %x", d.DType, d.Dims, sum)
}

func (f *fingerprint) graph(g *graph.Graph) {
	if g == nil {
		return
	}
	for _, list := range [][]*graph.Value{g.Inputs, g.Inits, g.Outputs} {
		for _, v := range list {
			fmt.Fprintf(f.h, " %q", v.Name)
		}
	}
	for _, v := range g.Inits {
		f.data(v.Init)
	}
	for _, n := range g.Nodes {
		f.node(n)
	}
}

var crcTable = crc32.MakeTable(crc32.Castagnoli)

// checksum digests the elements of a constant.
func checksum(d *graph.Data) (uint32, error) {
	h := crc32.New(crcTable)
	if d.Stream != nil {
		err := d.Stream(func(b []byte) error { h.Write(b); return nil })
		return h.Sum32(), err
	}
	t, err := d.Load()
	if err != nil {
		return 0, err
	}
	elems := t.Store().Data
	if binary.Write(h, binary.LittleEndian, elems) != nil { // strings have no fixed size
		fmt.Fprintf(h, "%q", elems)
	}
	return h.Sum32(), nil
}

// pass is how many bytes of a constant are in memory at a time.
const pass = 256 << 10

// checksums digests constants concurrently, reading their bytes in pieces.
func checksums(m *graph.Model, data []*graph.Data) ([]uint32, error) {
	sums, errs := make([]uint32, len(data)), make([]error, len(data))
	var wg sync.WaitGroup
	slots := make(chan struct{}, 4)
	for i, d := range data {
		wg.Add(1)
		slots <- struct{}{}
		go func() {
			defer func() { <-slots; wg.Done() }()
			sums[i], errs[i] = dataChecksum(m, d)
		}()
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return sums, nil
}

func dataChecksum(m *graph.Model, d *graph.Data) (uint32, error) {
	if d.External != "" || d.Origin.IsZero() || m.Source == nil {
		return checksum(d)
	}
	h := crc32.New(crcTable)
	n, err := io.CopyBuffer(h, io.NewSectionReader(m.Source, d.Origin.Off, d.Origin.Len), make([]byte, min(d.Origin.Len, pass)))
	if err == nil && n < d.Origin.Len {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		err = &graph.LoadError{Tensor: d.Name, Err: err}
	}
	return h.Sum32(), err
}
