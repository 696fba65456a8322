package onnx

import (
	"slices"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/onnx/internal/pb"
)

// moves is new references of tensors of the source, which may lie in messages
// that are copied otherwise.
type moves struct {
	refs references
	at   []int64 // where the tensors begin, sorted
}

func newMoves(refs references) moves {
	m := moves{refs: refs}
	for e := range refs {
		m.at = append(m.at, e.Off)
	}
	slices.Sort(m.at)
	return m
}

// in reports whether a tensor with a new reference lies in e.
func (m moves) in(e graph.Extent) bool {
	i, _ := slices.BinarySearch(m.at, e.Off)
	return i < len(m.at) && m.at[i] < e.Off+e.Len
}

// at adds the message of shape s that lies at e in the source, with new
// references where there are any.
func (enc *encoder) at(rs *records, num protowire.Number, e graph.Extent, s shape) error {
	if !enc.moves.in(e) {
		rs.at(num, e)
		return nil
	}
	r, err := enc.moved(e, s)
	rs.sub(num, r)
	return err
}

// moved is the message of shape s that lies at e, with new references.
func (enc *encoder) moved(e graph.Extent, s shape) (*rope, error) {
	r := &rope{}
	err := enc.each(e, func(f field) error {
		inner, ok := s[f.num]
		switch {
		case s == nil && f.num == tensorExternal:
		case ok && f.typ == protowire.BytesType && enc.moves.in(f.body):
			sub, err := enc.moved(f.body, inner)
			if err != nil {
				return err
			}
			r.nest(f.num, sub)
		default:
			r.extent(f.rec)
		}
		return nil
	})
	if s == nil && err == nil {
		for _, p := range enc.moves.refs[e].protos() {
			b, err := proto.MarshalOptions{Deterministic: true}.Marshal(p)
			if err != nil {
				return nil, err
			}
			r.bytes(append(prefix(tensorExternal, int64(len(b))), b...))
		}
	}
	return r, err
}

// tensorExternal is the number of the field that holds a tensor's reference.
const tensorExternal = protowire.Number(13)

// protos is the reference as a file has it. What else may be said of external
// data, such as a check sum of the whole file, was said of another file.
func (r reference) protos() []*pb.StringStringEntryProto {
	pair := func(key, value string) *pb.StringStringEntryProto {
		return &pb.StringStringEntryProto{Key: &key, Value: &value}
	}
	return []*pb.StringStringEntryProto{
		pair("location", r.location), pair("offset", strconv.FormatInt(r.Off, 10)), pair("length", strconv.FormatInt(r.Len, 10)),
	}
}
