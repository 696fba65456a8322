package onnx

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// streams reports whether the elements of m can be streamed: they lie in one
// piece, as raw data.
func (m *tensorMessage) streams() bool {
	d := m.dtype()
	return d.Valid() && d != tensor.String && m.head.Segment == nil && (m.external() || m.raw.Len > 0)
}

// plain reports whether graph.Data.Stream gives the elements of m as they lie.
func (m *tensorMessage) plain() bool {
	return m.dtype().Bits() >= 8 && m.dtype() != tensor.Bool
}

// stream calls do with the elements of the tensor at e, in pieces; see
// graph.Data.Stream.
func stream(src *graph.Source, e graph.Extent, do func([]byte) error) error {
	m, err := newWire(src, src.Size).tensorMessage(e)
	if err != nil {
		return err
	}
	if !m.external() {
		return m.stream(src, m.raw, do)
	}
	var f dataReader
	defer f.close()
	at, err := f.open(src, m)
	if err != nil {
		return err
	}
	return m.stream(f.file, at, do)
}

// stream calls do with the elements, which lie at e.
func (m *tensorMessage) stream(from io.ReaderAt, e graph.Extent, do func([]byte) error) error {
	if want := rawSize(m.dtype(), m.count); e.Len != want {
		return fmt.Errorf("raw data of %d bytes, want %d for %v%v", e.Len, want, m.dtype(), m.dims)
	}
	if !m.plain() {
		do = expanded(m, do)
	}
	return pieces(from, e, do)
}

// pieces calls do with the bytes of e, in order; they are valid during the call.
func pieces(src io.ReaderAt, e graph.Extent, do func([]byte) error) error {
	buf := make([]byte, min(e.Len, block))
	for off, end := e.Off, e.Off+e.Len; off < end; {
		b := buf[:min(end-off, block)]
		if n, err := src.ReadAt(b, off); n < len(b) {
			if err == nil || err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return fmt.Errorf("offset %#x: %w", off+int64(n), err)
		}
		if err := do(b); err != nil {
			return err
		}
		off += int64(len(b))
	}
	return nil
}

// expanded is do for elements that memory has in another form than the file:
// narrow ones take a byte each, truth values are 0 or 1.
func expanded(m *tensorMessage, do func([]byte) error) func([]byte) error {
	left := m.count
	return func(b []byte) error {
		n := min(left, len(b)*8/m.dtype().Bits())
		left -= n
		s, err := newSink(m.dtype(), []int{n})
		if err == nil {
			err = s.raw(b)
		}
		var out bytes.Buffer
		if err == nil {
			err = binary.Write(&out, binary.LittleEndian, s.t.Store().Data)
		}
		if err != nil {
			return err
		}
		return do(out.Bytes())
	}
}
