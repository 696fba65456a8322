package onnx

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/onnx/internal/pb"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// constantInto adds d under the name as a tensor in field num, or as a sparse
// tensor in field sparse if it was one.
func (enc *encoder) constantInto(rs *records, num, sparse protowire.Number, d *graph.Data, name string) error {
	kept := enc.wire != nil && !d.Origin.IsZero()
	if kept && enc.origin.sparse[d] {
		if d.Name == name {
			return enc.at(rs, sparse, d.Origin, sparseShape)
		}
		s, err := enc.renamedSparse(d.Origin, name)
		rs.sub(sparse, s)
		return err
	}
	if kept && d.Name == name {
		return enc.at(rs, num, d.Origin, tensorShape)
	}
	s, err := enc.constant(d, name, kept)
	rs.sub(num, s)
	return err
}

// constant encodes d under the name. If it lies in the source, its elements
// are copied from there as they are.
func (enc *encoder) constant(d *graph.Data, name string, kept bool) (*rope, error) {
	if kept {
		return enc.renamed(d.Origin, name)
	}
	dtype := int32(d.DType)
	p := &pb.TensorProto{DataType: &dtype}
	for _, x := range d.Dims {
		p.Dims = append(p.Dims, int64(x))
	}
	set(&p.Name, name)
	set(&p.DocString, d.Doc)
	var rs records
	if d.DType == tensor.String {
		t, err := d.Load()
		if err != nil {
			return nil, err
		}
		p.StringData = stringBytes(t)
	} else {
		raw := &rope{}
		raw.data(d)
		rs.sub(rawData, raw)
	}
	err := rs.header(p)
	return rs.rope(), err
}

// renamed is the tensor at e with another name.
func (enc *encoder) renamed(e graph.Extent, name string) (*rope, error) {
	m, err := enc.tensorMessage(e)
	if err != nil {
		return nil, err
	}
	set(&m.head.Name, name)
	if r, ok := enc.moves.refs[e]; ok {
		m.head.ExternalData = r.protos()
	}
	var rs records
	if err := rs.header(m.head); err != nil {
		return nil, err
	}
	elements := map[protowire.Number]*rope{}
	err = enc.each(e, func(f field) error {
		if payloadFields.has(f.num) {
			if elements[f.num] == nil {
				elements[f.num] = &rope{}
				rs = append(rs, record{num: f.num, open: elements[f.num]})
			}
			elements[f.num].extent(f.rec)
		}
		return nil
	})
	return rs.rope(), err
}

// renamedSparse is the sparse tensor at e with another name.
func (enc *encoder) renamedSparse(e graph.Extent, name string) (*rope, error) {
	m, err := enc.sparseMessage(e)
	if err != nil {
		return nil, err
	}
	p := &pb.SparseTensorProto{}
	if err := enc.old(e, sparseFields, p); err != nil {
		return nil, err
	}
	var rs records
	if err := rs.header(p); err != nil {
		return nil, err
	}
	values, err := enc.renamed(m.values, name)
	rs.sub(sparseValues, values)
	if err == nil {
		err = enc.at(&rs, sparseIndices, m.indices, tensorShape)
	}
	return rs.rope(), err
}

// sparseInto adds d, which is dense, as a sparse tensor that lists every element.
func (enc *encoder) sparseInto(rs *records, num protowire.Number, d *graph.Data) error {
	n := d.Len()
	at := make([]int64, n)
	for i := range at {
		at[i] = int64(i)
	}
	flat := *d
	flat.Dims, flat.Origin = []int{n}, graph.Extent{}
	values, err := enc.constant(&flat, d.Name, false)
	if err != nil {
		return err
	}
	indices, err := enc.constant(graph.NewData("", tensor.Vector(at...)), "", false)
	if err != nil {
		return err
	}
	p := &pb.SparseTensorProto{}
	for _, x := range d.Dims {
		p.Dims = append(p.Dims, int64(x))
	}
	var parts records
	if err := parts.header(p); err != nil {
		return err
	}
	parts.sub(sparseValues, values)
	parts.sub(sparseIndices, indices)
	rs.sub(num, parts.rope())
	return nil
}
