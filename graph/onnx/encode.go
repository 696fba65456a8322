package onnx

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/onnx/internal/pb"
)

// encoder makes ropes of a model's parts.
type encoder struct {
	*wire
	src    *graph.Source
	origin *origin
	moves  moves
	depth  int
}

// encode is the whole model, with new references of tensors in refs.
func encode(m *graph.Model, refs references) (*rope, error) {
	r := &rope{}
	o, _ := m.Origin.(*origin)
	if o != nil && m.Source != nil && !m.Dirty && len(refs) == 0 {
		r.extent(o.whole)
		return r, nil
	}
	enc := &encoder{src: m.Source, origin: o, moves: newMoves(refs)}
	if m.Source == nil || o == nil {
		enc.src, enc.origin = nil, newOrigin()
	} else {
		enc.wire = newWire(m.Source, m.Source.Size)
	}
	r, err := enc.model(m)
	if err == nil && r.size > MaxSize {
		err = fmt.Errorf("the model takes %d bytes, but the format is limited to 2 GiB", r.size)
	}
	return r, err
}

// records is a message to be: its fields in any order.
type records []record

type record struct {
	num  protowire.Number
	raw  []byte       // tag and content
	at   graph.Extent // the content, which lies in the source
	sub  *rope        // the content
	open *rope        // tag and content
}

// span is where a field lies in a message.
type span struct {
	num      protowire.Number
	from, to int32
}

// lastNum is above all fields that a record is made of by itself.
const lastNum = protowire.Number(64)

// header adds the fields of p, encoded: one record for all of a number, and one
// for those from lastNum on, so that a message of many small fields takes a
// small multiple of its size.
func (rs *records) header(p proto.Message) error {
	b, err := proto.MarshalOptions{AllowPartial: true, Deterministic: true}.Marshal(p)
	if err != nil {
		return err
	}
	count := 0
	if err := eachField(b, func(span) { count++ }); err != nil {
		return err
	}
	spans := make([]span, 0, count)
	_ = eachField(b, func(x span) { spans = append(spans, x) })
	order := func(x, y span) int { return int(x.num) - int(y.num) }
	sorted := b
	if !slices.IsSortedFunc(spans, order) {
		slices.SortStableFunc(spans, order)
		sorted = make([]byte, 0, len(b))
		for _, x := range spans {
			sorted = append(sorted, b[x.from:x.to]...)
		}
	}
	for i := 0; i < len(spans); {
		num, n := min(spans[i].num, lastNum), 0
		for ; i < len(spans) && min(spans[i].num, lastNum) == num; i++ {
			n += int(spans[i].to - spans[i].from)
		}
		*rs = append(*rs, record{num: num, raw: sorted[:n:n]})
		sorted = sorted[n:]
	}
	return nil
}

// eachField calls do for each field of the message b.
func eachField(b []byte, do func(span)) error {
	for at := 0; at < len(b); {
		num, _, n := protowire.ConsumeField(b[at:])
		if n < 0 {
			return protowire.ParseError(n)
		}
		do(span{num, int32(at), int32(at + n)})
		at += n
	}
	return nil
}

func (rs *records) at(num protowire.Number, e graph.Extent) {
	*rs = append(*rs, record{num: num, at: e})
}

func (rs *records) sub(num protowire.Number, s *rope) {
	*rs = append(*rs, record{num: num, sub: s})
}

// proto adds p as field num.
func (rs *records) proto(num protowire.Number, p proto.Message) error {
	b, err := proto.MarshalOptions{AllowPartial: true, Deterministic: true}.Marshal(p)
	*rs = append(*rs, record{num: num, raw: append(prefix(num, int64(len(b))), b...)})
	return err
}

// rope puts the fields in order of their numbers.
func (rs records) rope() *rope {
	slices.SortStableFunc(rs, func(a, b record) int { return int(a.num) - int(b.num) })
	r := &rope{}
	for _, x := range rs {
		switch {
		case x.raw != nil:
			r.bytes(x.raw)
		case x.sub != nil:
			r.nest(x.num, x.sub)
		case x.open != nil:
			r.join(x.open)
		default:
			r.message(x.num, x.at)
		}
	}
	return r
}

// old decodes into p the header of the message that lies at e, if it lies
// anywhere.
func (enc *encoder) old(e graph.Extent, located fields, p proto.Message) error {
	if e.IsZero() || enc.wire == nil {
		return nil
	}
	b, err := enc.split(e, located, func(field) error { return nil })
	if err != nil {
		return err
	}
	return decode.Unmarshal(b, p)
}

// set makes *at stand for v; a field that was absent or present stays so where
// v does not differ from it.
func set[T comparable](at **T, v T) {
	var zero T
	if *at != nil && **at == v || *at == nil && v == zero {
		return
	}
	*at = &v
}

func (enc *encoder) model(m *graph.Model) (*rope, error) {
	p := &pb.ModelProto{}
	if err := enc.old(enc.origin.whole, modelFields, p); err != nil {
		return nil, err
	}
	set(&p.IrVersion, m.IR)
	set(&p.ModelVersion, m.Version)
	set(&p.ProducerName, m.Producer)
	set(&p.ProducerVersion, m.ProducerVersion)
	set(&p.Domain, m.Domain)
	set(&p.DocString, m.Doc)
	p.OpsetImport = opsetProtos(p.OpsetImport, m.Opsets)
	p.MetadataProps = pairProtos(p.MetadataProps, m.Metadata)
	var rs records
	if err := rs.header(p); err != nil {
		return nil, err
	}
	if err := enc.graphInto(&rs, modelGraph, m.Graph); err != nil {
		return nil, err
	}
	for _, e := range enc.origin.training {
		if err := enc.at(&rs, modelTraining, e, trainingShape); err != nil {
			return nil, err
		}
	}
	for _, f := range m.Functions {
		if !f.Origin.IsZero() && enc.wire != nil && enc.origin.functions[f] != nil {
			if err := enc.at(&rs, modelFunctions, f.Origin, functionShape); err != nil {
				return nil, err
			}
			continue
		}
		s, err := enc.function(f)
		if err != nil {
			return nil, fmt.Errorf("function %q: %w", f.Name, err)
		}
		rs.sub(modelFunctions, s)
	}
	return rs.rope(), nil
}

// opsetProtos is the operator sets now, as the old entries where they are the same.
func opsetProtos(old []*pb.OperatorSetIdProto, now []graph.Opset) []*pb.OperatorSetIdProto {
	r := make([]*pb.OperatorSetIdProto, len(now))
	for i, o := range now {
		p := &pb.OperatorSetIdProto{Domain: &o.Domain} // stated even if empty, as ONNX's own tools do
		if i < len(old) && old[i].GetDomain() == o.Domain {
			p = old[i]
		}
		set(&p.Version, o.Version)
		r[i] = p
	}
	return r
}

func pairProtos(old []*pb.StringStringEntryProto, now []graph.Pair) []*pb.StringStringEntryProto {
	r := make([]*pb.StringStringEntryProto, len(now))
	for i, o := range now {
		p := &pb.StringStringEntryProto{Key: &o.Key}
		if i < len(old) && old[i].GetKey() == o.Key {
			p = old[i]
		}
		set(&p.Value, o.Value)
		r[i] = p
	}
	return r
}
