package onnx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/limits"
)

// field is one record of a message: a tag and what follows it.
type field struct {
	num  protowire.Number
	typ  protowire.Type
	rec  graph.Extent // tag and all
	body graph.Extent // the content of a length-delimited field, else the bytes after the tag
}

// wire reads records of a file through a window.
type wire struct {
	src   io.ReaderAt
	size  int64
	buf   []byte
	off   int64             // where buf begins in the file
	words map[string]string // by themselves
}

const (
	smallWindow = 8 << 10
	largeWindow = 256 << 10
)

func newWire(src io.ReaderAt, size int64) *wire {
	return &wire{src: src, size: size}
}

func (w *wire) errorf(off int64, format string, args ...any) error {
	return fmt.Errorf("offset %#x: %w", off, fmt.Errorf(format, args...))
}

// bytes gives n bytes at off; they are valid until the next call. The caller
// has made sure that off+n is within the file.
func (w *wire) bytes(off int64, n int) ([]byte, error) {
	if off < w.off || off+int64(n) > w.off+int64(len(w.buf)) {
		if err := w.fill(off, n); err != nil {
			return nil, err
		}
	}
	return w.buf[off-w.off:][:n], nil
}

// fill moves the window to off: a small one after a jump, larger ones where
// the file is read in sequence.
func (w *wire) fill(off int64, n int) error {
	size := smallWindow
	if end := w.off + int64(len(w.buf)); off >= w.off && off <= end && len(w.buf) > 0 {
		size = min(2*len(w.buf), largeWindow)
	}
	size = int(min(int64(max(size, n)), w.size-off))
	if cap(w.buf) < size {
		w.buf = make([]byte, max(size, smallWindow))
	}
	w.buf, w.off = w.buf[:size], off
	got, err := w.src.ReadAt(w.buf, off)
	if got < size {
		w.buf = w.buf[:0]
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return w.errorf(off+int64(got), "%w", err)
	}
	return nil
}

// varint decodes a varint at off that ends before end.
func (w *wire) varint(off, end int64) (uint64, int, error) {
	b, err := w.bytes(off, int(min(binary.MaxVarintLen64, end-off)))
	if err != nil {
		return 0, 0, err
	}
	v, n := protowire.ConsumeVarint(b)
	if n < 0 {
		return 0, 0, w.errorf(off, "broken varint: %w", protowire.ParseError(n))
	}
	return v, n, nil
}

// next decodes the record at off inside a message that ends at end.
func (w *wire) next(off, end int64) (field, error) {
	tag, n, err := w.varint(off, end)
	if err != nil {
		return field{}, err
	}
	f := field{num: protowire.Number(tag >> 3), typ: protowire.Type(tag & 7)}
	if tag>>3 < 1 || tag>>3 > uint64(protowire.MaxValidNumber) {
		return f, w.errorf(off, "field number %d", tag>>3)
	}
	at := off + int64(n)
	size := int64(0)
	switch f.typ {
	case protowire.VarintType:
		_, n, err = w.varint(at, end)
		size = int64(n)
	case protowire.Fixed32Type:
		size = 4
	case protowire.Fixed64Type:
		size = 8
	case protowire.BytesType:
		var length uint64
		length, n, err = w.varint(at, end)
		at += int64(n)
		if err == nil && length > uint64(end-at) {
			err = w.errorf(off, "truncated: field %d has %d bytes, but only %d are left", f.num, length, end-at)
		}
		size = int64(length)
	case protowire.StartGroupType:
		size, err = w.group(f.num, at, end, 0)
	default:
		err = w.errorf(off, "field %d: wire type %d", f.num, f.typ)
	}
	if err != nil {
		return f, err
	}
	if size > end-at {
		return f, w.errorf(off, "field %d: %d bytes wanted, %d left", f.num, size, end-at)
	}
	f.body = graph.Extent{Off: at, Len: size}
	f.rec = graph.Extent{Off: off, Len: at + size - off}
	return f, nil
}

// group is the length of a group's content with its end tag.
func (w *wire) group(num protowire.Number, off, end int64, depth int) (int64, error) {
	if depth > limits.Depth {
		return 0, w.errorf(off, "groups nested deeper than %d", limits.Depth)
	}
	for at := off; at < end; {
		tag, n, err := w.varint(at, end)
		if err != nil {
			return 0, err
		}
		if protowire.Type(tag&7) == protowire.EndGroupType {
			if protowire.Number(tag>>3) != num {
				return 0, w.errorf(at, "end of group %d inside group %d", tag>>3, num)
			}
			return at + int64(n) - off, nil
		}
		if protowire.Type(tag&7) == protowire.StartGroupType {
			size, err := w.group(protowire.Number(tag>>3), at+int64(n), end, depth+1)
			if err != nil {
				return 0, err
			}
			at += int64(n) + size
			continue
		}
		f, err := w.next(at, end)
		if err != nil {
			return 0, err
		}
		at += f.rec.Len
	}
	return 0, w.errorf(off, "group %d does not end", num)
}

// each calls do for every record of the message e.
func (w *wire) each(e graph.Extent, do func(field) error) error {
	end := e.Off + e.Len
	for off := e.Off; off < end; {
		f, err := w.next(off, end)
		if err != nil {
			return err
		}
		if err := do(f); err != nil {
			return err
		}
		off = f.rec.Off + f.rec.Len
	}
	return nil
}

// split walks the message e: records whose numbers are in located are handed
// to do, the others make up the header, which is given back.
func (w *wire) split(e graph.Extent, located fields, do func(field) error) ([]byte, error) {
	header, err := w.headerBuffer(e, located)
	if err != nil {
		return nil, err
	}
	err = w.each(e, func(f field) error {
		if located.has(f.num) {
			return do(f)
		}
		var err error
		header, err = w.append(header, f.rec)
		return err
	})
	return header, err
}

// headerBuffer is an empty buffer that the header of e fits into.
func (w *wire) headerBuffer(e graph.Extent, located fields) ([]byte, error) {
	if e.Len <= smallWindow {
		return make([]byte, 0, min(e.Len, 512)), nil
	}
	size := int64(0)
	err := w.each(e, func(f field) error {
		if !located.has(f.num) {
			size += f.rec.Len
		}
		if size > limits.Header {
			return w.errorf(f.rec.Off, "field %d: a message with more than %d MiB beside its tensors", f.num, limits.Header>>20)
		}
		return nil
	})
	return make([]byte, 0, min(size, limits.Header)), err
}

// append adds the bytes of e to b.
func (w *wire) append(b []byte, e graph.Extent) ([]byte, error) {
	if e.Len <= largeWindow {
		part, err := w.bytes(e.Off, int(e.Len))
		return append(b, part...), err
	}
	n := len(b)
	b = slices.Grow(b, int(e.Len))[:n+int(e.Len)]
	if got, err := w.src.ReadAt(b[n:], e.Off); got < int(e.Len) {
		return nil, w.errorf(e.Off, "%w", err)
	}
	return b, nil
}

// text is the bytes of e as a string.
func (w *wire) text(e graph.Extent) (string, error) {
	if e.Len <= largeWindow {
		b, err := w.bytes(e.Off, int(e.Len))
		return string(b), err
	}
	b, err := w.append(nil, e)
	return string(b), err
}

// word is text of which a file has many of the same: it is held once.
func (w *wire) word(e graph.Extent) (string, error) {
	if e.Len > limits.Word {
		return w.text(e)
	}
	b, err := w.bytes(e.Off, int(e.Len))
	if err != nil {
		return "", err
	}
	s, ok := w.words[string(b)]
	if !ok {
		s = string(b)
		if w.words == nil {
			w.words = map[string]string{}
		}
		if len(w.words) < limits.Words {
			w.words[s] = s
		}
	}
	return s, nil
}

// fields is a set of field numbers below 64.
type fields uint64

func fieldSet(nums ...protowire.Number) fields {
	var s fields
	for _, n := range nums {
		s |= 1 << n
	}
	return s
}

func (s fields) has(n protowire.Number) bool { return n < 64 && s>>n&1 != 0 }

// message checks that f holds a message.
func (w *wire) message(f field, what string) error {
	if f.typ != protowire.BytesType {
		return w.errorf(f.rec.Off, "%s: wire type %d, want %d", what, f.typ, protowire.BytesType)
	}
	return nil
}
