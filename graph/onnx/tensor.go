package onnx

import (
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/limits"
	"github.com/onnxloss/onnxloss/graph/onnx/internal/pb"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

var decode = proto.UnmarshalOptions{AllowPartial: true, RecursionLimit: limits.Nesting}

// tensorMessage is what a walk over a TensorProto tells.
type tensorMessage struct {
	head  *pb.TensorProto // without the elements
	dims  []int
	count int
	raw   graph.Extent // the last raw_data
	size  [16]int64    // bytes of content in each field of elements
	recs  [16]int64    // records of each field of elements
	at    graph.Extent
}

func (w *wire) tensorMessage(e graph.Extent) (*tensorMessage, error) {
	m := &tensorMessage{head: &pb.TensorProto{}, at: e}
	head, err := w.split(e, payloadFields, func(f field) error {
		if f.num == rawData || f.num == stringData {
			if err := w.message(f, "tensor"); err != nil {
				return err
			}
		}
		if f.num == rawData {
			m.raw = f.body
		}
		m.size[f.num] += f.body.Len
		m.recs[f.num]++
		return nil
	})
	if err == nil {
		err = decode.Unmarshal(head, m.head)
	}
	if err != nil {
		return nil, err
	}
	m.dims, err = dims(m.head.Dims)
	if err == nil {
		m.count, err = tensor.Count(m.dims)
	}
	if err != nil {
		return nil, w.errorf(e.Off, "tensor %q: %w", m.head.GetName(), err)
	}
	return m, nil
}

func dims(d []int64) ([]int, error) {
	r := make([]int, len(d))
	for i, x := range d {
		if x < 0 || x > tensor.MaxElems {
			return nil, fmt.Errorf("dimension %d is %d", i, x)
		}
		r[i] = int(x)
	}
	return r, nil
}

func (m *tensorMessage) dtype() tensor.DType { return tensor.DType(m.head.GetDataType()) }

func (m *tensorMessage) external() bool {
	return m.head.GetDataLocation() == pb.TensorProto_EXTERNAL
}

// bytes is how many bytes the elements take where they lie.
func (m *tensorMessage) bytes() int64 {
	if m.external() {
		return rawSize(m.dtype(), m.count)
	}
	n := int64(0)
	for _, s := range m.size {
		n += s
	}
	return n
}

func rawSize(d tensor.DType, count int) int64 {
	return (int64(count)*int64(d.Bits()) + 7) / 8
}

// data locates the constant that the message at e holds.
func (w *wire) data(src *graph.Source, e graph.Extent) (*graph.Data, error) {
	m, err := w.tensorMessage(e)
	if err != nil {
		return nil, err
	}
	if err := m.check(); err != nil {
		return nil, w.errorf(e.Off, "tensor %q: %w", m.head.GetName(), err)
	}
	d := &graph.Data{
		Name: m.head.GetName(), Doc: m.head.GetDocString(), DType: m.dtype(), Dims: m.dims,
		Bytes: m.bytes(), Origin: e,
	}
	d.Load = func() (*tensor.Tensor, error) {
		t, err := load(src, e)
		return t, loadError(d, err)
	}
	if m.streams() {
		d.Stream = func(do func([]byte) error) error {
			var own error
			err := stream(src, e, func(b []byte) error {
				own = do(b)
				return own
			})
			if own != nil {
				return own
			}
			return loadError(d, err)
		}
	}
	if m.external() {
		d.External = entry(m.head.ExternalData, "location")
	}
	return d, nil
}

// check holds the bytes of elements in the file, or the reference to another file, to the
// type and the dimensions.
func (m *tensorMessage) check() error {
	d := m.dtype()
	switch {
	case !d.Valid():
		return fmt.Errorf("unknown element type %d", int32(d))
	case m.head.Segment != nil:
		return nil // which this program does not read
	case m.external():
		at, err := m.reference()
		if err == nil && at.location == "" {
			err = errors.New("external data without a location")
		}
		if err == nil {
			err = checkRaw(at.Len, d, m.dims, m.count)
		}
		return err
	case m.raw.Len > 0:
		return checkRaw(m.raw.Len, d, m.dims, m.count)
	}
	return m.checkTyped(typedField(d))
}

// checkRaw holds so many bytes to the elements that they are to be.
func checkRaw(n int64, d tensor.DType, dims []int, count int) error {
	if want := rawSize(d, count); n != want || d == tensor.String {
		return fmt.Errorf("raw data of %d bytes, want %d for %v%v", n, want, d, dims)
	}
	return nil
}

// loadError is err, of loading d, with the tensor's name.
func loadError(d *graph.Data, err error) error {
	var named *graph.LoadError
	if err == nil || errors.As(err, &named) {
		return err
	}
	return &graph.LoadError{Tensor: d.Name, Err: err}
}

// load decodes the elements of the tensor at e.
func load(src *graph.Source, e graph.Extent) (*tensor.Tensor, error) {
	w := newWire(src, src.Size)
	m, err := w.tensorMessage(e)
	if err != nil {
		return nil, err
	}
	t, err := w.elements(src, m)
	if err != nil {
		return nil, &graph.LoadError{Tensor: m.head.GetName(), Err: err}
	}
	return t, nil
}

func (w *wire) elements(src *graph.Source, m *tensorMessage) (*tensor.Tensor, error) {
	d := m.dtype()
	switch {
	case !d.Valid():
		return nil, fmt.Errorf("unknown element type %d", int32(d))
	case m.head.Segment != nil:
		return nil, fmt.Errorf("tensors stored in segments are not supported")
	case m.external():
		return loadExternal(src, m)
	case m.raw.Len > 0:
		return loadRaw(src, m.raw, d, m.dims, m.count)
	}
	num, typ := typedField(d)
	if err := m.checkTyped(num, typ); err != nil {
		return nil, err
	}
	if d == tensor.String {
		return w.loadStrings(m)
	}
	s, err := newSink(d, m.dims)
	if err != nil {
		return nil, err
	}
	err = w.each(m.at, func(f field) error {
		if f.num != num {
			return nil
		}
		if f.typ != typ && f.typ != protowire.BytesType {
			return w.errorf(f.rec.Off, "field %d: wire type %d", f.num, f.typ)
		}
		if typ == protowire.VarintType {
			return w.varints(f.body, s)
		}
		return copyRaw(w.src, f.body, s)
	})
	if err != nil {
		return nil, err
	}
	return s.finish()
}

// checkTyped holds the number of elements against the bytes that are there,
// before any memory is taken for them.
func (m *tensorMessage) checkTyped(num protowire.Number, typ protowire.Type) error {
	d, have := m.dtype(), m.size[num]
	want, least := rawSize(d, m.count), false
	switch typ {
	case protowire.VarintType:
		least = true
		want = int64(m.count)
		if per := 8 / max(d.Bits(), 1); per > 1 {
			want = (want + int64(per) - 1) / int64(per)
		}
	case protowire.BytesType:
		have, want = m.recs[num], int64(m.count)
	}
	if have == want || least && have > want {
		return nil
	}
	return fmt.Errorf("%d bytes or strings of elements, want %d for %v%v", have, want, d, m.dims)
}

// varints stores the elements of the packed or single varints in e.
func (w *wire) varints(e graph.Extent, s *sink) error {
	const chunk = 4096
	var vals [chunk]uint64
	scratch := make([]byte, 0, 8*chunk)
	for off, end := e.Off, e.Off+e.Len; off < end; {
		b, err := w.bytes(off, int(min(end-off, largeWindow)))
		if err != nil {
			return err
		}
		n, used := 0, 0
		for n < chunk && used < len(b) && (len(b)-used >= 10 || off+int64(len(b)) == end) {
			v, k := protowire.ConsumeVarint(b[used:])
			if k < 0 {
				return w.errorf(off+int64(used), "broken varint: %w", protowire.ParseError(k))
			}
			vals[n] = v
			n++
			used += k
		}
		if err := s.ints(vals[:n], scratch); err != nil {
			return err
		}
		off += int64(used)
	}
	return nil
}

func (w *wire) loadStrings(m *tensorMessage) (*tensor.Tensor, error) {
	t, err := tensor.Make(tensor.String, m.dims...)
	if err != nil {
		return nil, err
	}
	out, i := tensor.Data[string](t), 0
	err = w.each(m.at, func(f field) error {
		if f.num != stringData || i == len(out) {
			return nil
		}
		b, err := w.append(nil, f.body)
		out[i] = string(b)
		i++
		return err
	})
	return t, err
}

// loadRaw reads count elements that fill e exactly.
func loadRaw(src io.ReaderAt, e graph.Extent, d tensor.DType, dims []int, count int) (*tensor.Tensor, error) {
	if err := checkRaw(e.Len, d, dims, count); err != nil {
		return nil, err
	}
	s, err := newSink(d, dims)
	if err != nil {
		return nil, err
	}
	if err := copyRaw(src, e, s); err != nil {
		return nil, err
	}
	return s.finish()
}

// copyRaw stores the little-endian elements in e.
func copyRaw(src io.ReaderAt, e graph.Extent, s *sink) error {
	buf := make([]byte, min(e.Len, largeWindow))
	for off, end := e.Off, e.Off+e.Len; off < end; {
		b := buf[:min(end-off, int64(len(buf)))]
		if n, err := src.ReadAt(b, off); n < len(b) {
			if err == nil || err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return fmt.Errorf("offset %#x: %w", off+int64(n), err)
		}
		if err := s.raw(b); err != nil {
			return err
		}
		off += int64(len(b))
	}
	return nil
}

func entry(pairs []*pb.StringStringEntryProto, key string) string {
	for _, p := range pairs {
		if p.GetKey() == key {
			return p.GetValue()
		}
	}
	return ""
}
