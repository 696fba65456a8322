package onnx

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/onnxloss/onnxloss/graph"
)

// rope is a message to be written: bytes in memory, extents of the source and
// elements of constants, in order.
type rope struct {
	parts []part
	size  int64
}

// part is one piece of a rope: the first of its fields that is set.
type part struct {
	data *graph.Data  // elements as raw data
	at   graph.Extent // bytes of the source
	b    []byte
}

func (r *rope) bytes(b []byte) {
	if len(b) == 0 {
		return
	}
	r.size += int64(len(b))
	if n := len(r.parts); n > 0 && r.parts[n-1].b != nil {
		r.parts[n-1].b = append(r.parts[n-1].b, b...)
		return
	}
	r.parts = append(r.parts, part{b: slices.Clone(b)})
}

// extent adds bytes of the source, joined to what is last if they follow it there.
func (r *rope) extent(e graph.Extent) {
	if e.Len == 0 {
		return
	}
	r.size += e.Len
	if n := len(r.parts); n > 0 {
		if last := &r.parts[n-1].at; !last.IsZero() && last.Off+last.Len == e.Off {
			last.Len += e.Len
			return
		}
	}
	r.parts = append(r.parts, part{at: e})
}

func (r *rope) data(d *graph.Data) {
	r.size += rawSize(d.DType, d.Len())
	r.parts = append(r.parts, part{data: d})
}

func prefix(num protowire.Number, size int64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, num, protowire.BytesType), uint64(size))
}

// message adds the message that lies at e in the source, as field num. If the
// source has it right behind what is last, its tag and length are copied too:
// a gap of the very size of a tag and length cannot be anything else, because
// the reader found e behind a tag and a length.
func (r *rope) message(num protowire.Number, e graph.Extent) {
	head := prefix(num, e.Len)
	if n := len(r.parts); n > 0 {
		last := r.parts[n-1].at
		if gap := e.Off - (last.Off + last.Len); !last.IsZero() && gap == int64(len(head)) {
			r.extent(graph.Extent{Off: e.Off - gap, Len: e.Len + gap})
			return
		}
	}
	r.bytes(head)
	r.extent(e)
}

// nest adds what s holds as a message in field num.
func (r *rope) nest(num protowire.Number, s *rope) {
	r.bytes(prefix(num, s.size))
	r.join(s)
}

func (r *rope) join(s *rope) {
	for _, p := range s.parts {
		switch {
		case p.data != nil:
			r.data(p.data)
		case !p.at.IsZero():
			r.extent(p.at)
		default:
			r.bytes(p.b)
		}
	}
}

// output writes a rope. Bytes are gathered; long extents go from file to file in
// blocks, of which digest takes what it needs.
type output struct {
	ctx    context.Context
	w      io.Writer
	file   *os.File // w, if it is a regular file
	base   int64    // where its first byte goes there
	src    *graph.Source
	digest *Digest
	// later is text that is replaced in what is written from memory.
	later *graph.Later
	buf   []byte
	done  int64
}

func (o *output) write(r *rope) error {
	for _, p := range r.parts {
		err := o.ctx.Err()
		if err != nil {
			return err
		}
		switch {
		case p.data != nil:
			err = o.elements(p.data)
		case !p.at.IsZero():
			err = o.extent(p.at)
		default:
			err = o.memory(p.b)
		}
		if err != nil {
			return err
		}
	}
	if err := o.flush(); err != nil {
		return err
	}
	if o.done != r.size {
		return fmt.Errorf("%d bytes written, want %d", o.done, r.size)
	}
	return nil
}

// memory writes bytes that are held, with the model's late text put in.
func (o *output) memory(b []byte) error {
	if o.later == nil || !bytes.Contains(b, []byte(o.later.Text)) {
		return o.add(b)
	}
	if err := o.flush(); err != nil {
		return err
	}
	text, err := o.later.Final()
	if err != nil {
		return err
	}
	if len(text) != len(o.later.Text) {
		return fmt.Errorf("%d bytes of late text, want %d", len(text), len(o.later.Text))
	}
	return o.add(bytes.ReplaceAll(b, []byte(o.later.Text), []byte(text)))
}

func (o *output) add(b []byte) error {
	if len(o.buf)+len(b) > directSize {
		if err := o.flush(); err != nil {
			return err
		}
	}
	o.buf = append(o.buf, b...)
	if len(o.buf) >= directSize {
		return o.flush()
	}
	return nil
}

func (o *output) flush() error {
	n, err := o.w.Write(o.buf)
	o.done += int64(n)
	o.buf = o.buf[:0]
	return err
}

func (o *output) extent(e graph.Extent) error {
	if e.Len < directSize {
		if len(o.buf)+int(e.Len) > directSize {
			if err := o.flush(); err != nil {
				return err
			}
		}
		n := len(o.buf)
		o.buf = slices.Grow(o.buf, int(e.Len))[:n+int(e.Len)]
		if k, err := o.src.ReadAt(o.buf[n:], e.Off); k < int(e.Len) {
			return short(err)
		}
		return nil
	}
	if err := o.flush(); err != nil {
		return err
	}
	if o.file == nil {
		n, err := io.Copy(o.w, io.NewSectionReader(o.src, e.Off, e.Len))
		o.done += n
		if err == nil && n < e.Len {
			err = short(nil)
		}
		return err
	}
	if err := o.digest.copy(o.ctx, o.file, o.base+o.done, e); err != nil {
		return err
	}
	o.done += e.Len
	_, err := o.file.Seek(o.base+o.done, io.SeekStart)
	return err
}

// elements writes the raw data of a constant.
func (o *output) elements(d *graph.Data) error {
	t, err := d.Load()
	if err != nil {
		return fmt.Errorf("constant %q: %w", d.Name, err)
	}
	if t.DType != d.DType || t.Len() != d.Len() {
		return fmt.Errorf("constant %q: %v loaded, want %v", d.Name, t, d.Type())
	}
	const step = directSize / 16 // elements of at most 16 bytes; a multiple of 8
	var b []byte
	for i := 0; i < t.Len(); i += step {
		b = appendLE(b[:0], t, i, min(i+step, t.Len()))
		if err := o.add(b); err != nil {
			return err
		}
	}
	return nil
}
