package onnx

import (
	"context"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"slices"

	"github.com/zeebo/blake3"

	"github.com/onnxloss/onnxloss/graph"
)

// Digest is a pass over all bytes of a model, in the background: the BLAKE3
// digest of its file, and check sums of its constants, those of external data
// too. It reads every byte once, and holds a few blocks of them.
type Digest struct {
	file, data chan struct{} // closed when the passes end
	fileErr    error
	dataErr    error
	sum        string
	inside     map[graph.Extent]uint32
	outside    map[graph.Extent]uint32
}

// DigestPrefix is what the digests of files that this program writes begin
// with: the name of the hash function.
const DigestPrefix = "blake3:"

var crcTable = crc32.MakeTable(crc32.Castagnoli)

// StartDigest begins to read the file behind m, which must stay open, and its
// external data. It ends early with ctx.
func StartDigest(ctx context.Context, m *graph.Model) *Digest {
	d := &Digest{file: make(chan struct{}), data: make(chan struct{}), inside: map[graph.Extent]uint32{}, outside: map[graph.Extent]uint32{}}
	var inside []graph.Extent
	for _, v := range m.Graph.Inits {
		if v.Init.External == "" && !v.Init.Origin.IsZero() {
			inside = append(inside, v.Init.Origin)
		}
	}
	slices.SortFunc(inside, func(a, b graph.Extent) int { return int(a.Off - b.Off) })
	go func() {
		defer close(d.file)
		d.fileErr = d.readFile(ctx, m.Source, inside)
	}()
	d.startData(ctx, m)
	return d
}

// digestData is a Digest that has the check sums of external data alone.
func digestData(ctx context.Context, m *graph.Model) *Digest {
	d := &Digest{data: make(chan struct{}), outside: map[graph.Extent]uint32{}}
	d.startData(ctx, m)
	return d
}

func (d *Digest) startData(ctx context.Context, m *graph.Model) {
	all, err := outside(m)
	go func() {
		defer close(d.data)
		if d.dataErr = err; err == nil {
			d.dataErr = d.readData(ctx, m.Source, all)
		}
	}()
}

// Sum is the digest of the model's file, once it is there: DigestPrefix and 64
// hexadecimal digits.
func (d *Digest) Sum() (string, error) {
	<-d.file
	return d.sum, d.fileErr
}

// Inside is the CRC-32C of the whole message of an initializer of the main graph
// that lies at e in the model's file, once it is there. It reports false if none
// lies there.
func (d *Digest) Inside(e graph.Extent) (sum uint32, ok bool, err error) {
	<-d.file
	sum, ok = d.inside[e]
	return sum, ok, d.fileErr
}

// Outside is the CRC-32C of the elements, as graph.Data.Stream gives them, of a
// tensor that lies at e in the model's file and its elements elsewhere, once it
// is there. It reports false if none lies there.
func (d *Digest) Outside(e graph.Extent) (sum uint32, ok bool, err error) {
	<-d.data
	sum, ok = d.outside[e]
	return sum, ok, d.dataErr
}

// ahead is how many blocks are read ahead of the hash, which is slower than
// reading and check sums together, so that a core of its own does nothing else.
const ahead = 4

// readFile digests the file; inside is sorted.
func (d *Digest) readFile(ctx context.Context, src *graph.Source, inside []graph.Extent) error {
	free, full, hashed := make(chan []byte, ahead), make(chan []byte, ahead), make(chan struct{})
	for range ahead {
		free <- make([]byte, block)
	}
	h := blake3.New()
	go func() {
		defer close(hashed)
		for b := range full {
			h.Write(b)
			free <- b[:block]
		}
	}()
	err := d.readBlocks(ctx, src, inside, free, full)
	close(full)
	<-hashed
	d.sum = DigestPrefix + hex.EncodeToString(h.Sum(nil))
	return err
}

func (d *Digest) readBlocks(ctx context.Context, src *graph.Source, inside []graph.Extent, free <-chan []byte, full chan<- []byte) error {
	for at := int64(0); at < src.Size; {
		if err := ctx.Err(); err != nil {
			return err
		}
		b := <-free
		n, err := src.ReadAt(b[:min(block, src.Size-at)], at)
		if n == 0 {
			if err == nil || err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return fmt.Errorf("reading the input: offset %#x: %w", at, err)
		}
		for len(inside) > 0 && inside[0].Off < at+int64(n) {
			e := inside[0]
			lo, hi := max(e.Off-at, 0), min(e.Off+e.Len-at, int64(n))
			d.inside[e] = crc32.Update(d.inside[e], crcTable, b[lo:hi])
			if e.Off+e.Len > at+int64(n) {
				break
			}
			inside = inside[1:]
		}
		full <- b[:n]
		at += int64(n)
	}
	return nil
}

// readData takes the check sums of external tensors. Of their files, the last
// stays open.
func (d *Digest) readData(ctx context.Context, src *graph.Source, all []*tensorMessage) error {
	var f dataReader
	defer f.close()
	for _, m := range all {
		if _, ok := d.outside[m.at]; ok || !m.streams() {
			continue
		}
		sum := uint32(0)
		e, err := f.open(src, m)
		if err == nil {
			err = m.stream(f.file, e, func(b []byte) error {
				sum = crc32.Update(sum, crcTable, b)
				return ctx.Err()
			})
		}
		if err != nil {
			return &graph.LoadError{Tensor: m.head.GetName(), Err: err}
		}
		d.outside[m.at] = sum
	}
	return nil
}

// dataReader is a file of external data that is open.
type dataReader struct {
	name string
	file *os.File
	size int64
}

// open opens the file that has the elements of m, and says where they lie there.
func (r *dataReader) open(src *graph.Source, m *tensorMessage) (graph.Extent, error) {
	at, err := m.reference()
	if err != nil {
		return at.Extent, err
	}
	if r.file == nil || at.location != r.name {
		r.close()
		f, err := openExternal(src, at.location)
		if err != nil {
			return at.Extent, err
		}
		info, err := f.Stat()
		if err != nil {
			f.Close()
			return at.Extent, err
		}
		r.name, r.file, r.size = at.location, f, info.Size()
	}
	return at.Extent, at.inside(r.size)
}

func (r *dataReader) close() {
	if r.file != nil {
		r.file.Close()
		r.file = nil
	}
}
