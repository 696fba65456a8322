package onnx

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/onnx/internal/pb"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// TestDigestSum holds the digest to sums that another implementation of BLAKE3
// gives: of byte i being i mod 251, of one chunk and of several blocks.
func TestDigestSum(t *testing.T) {
	for n, want := range map[int64]string{
		1:       "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213",
		1024:    "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7",
		1048653: "cbd46f63b687aa43ceb5f5f886a6b606f90ff5444e67a72a64c64c15922f3c69",
	} {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(i % 251)
		}
		m := &graph.Model{Source: &graph.Source{ReaderAt: bytes.NewReader(b), Size: n}}
		m.Graph = graph.NewGraph(m, nil)
		if sum, err := NewDigest(context.Background(), m).Sum(); err != nil || sum != DigestPrefix+want {
			t.Errorf("%d bytes: %s, %v", n, sum, err)
		}
	}
}

// TestDigestEnds holds the passes to errors of reading, and to the context.
func TestDigestEnds(t *testing.T) {
	b := marshal(t, smallModel())
	m := parse(t, b)
	broken := errors.New("broken")
	m.Source.ReaderAt = readerAt(func(p []byte, off int64) (int, error) { return 0, broken })
	if _, err := NewDigest(context.Background(), m).Sum(); !errors.Is(err, broken) {
		t.Error(err)
	}
	m.Source.ReaderAt = bytes.NewReader(b[:len(b)-1])
	if _, err := NewDigest(context.Background(), m).Sum(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := NewDigest(ctx, m).Sum(); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

type readerAt func(p []byte, off int64) (int, error)

func (r readerAt) ReadAt(p []byte, off int64) (int, error) { return r(p, off) }

// TestDataStream gives the elements of every type, inside the file and beside it, as
// Load does, and the pass over external data their check sums.
func TestDataStream(t *testing.T) {
	dir := t.TempDir()
	for d := tensor.DType(1); d.Valid(); d++ {
		if d == tensor.String {
			continue
		}
		const n = 300_001 // several blocks, and an odd number
		raw := make([]byte, rawSize(d, n))
		for i := range raw {
			raw[i] = byte(i * 7 % 251)
		}
		if d == tensor.Bool {
			for i := range raw {
				raw[i] %= 3 // 2 is true, too
			}
		}
		if err := os.WriteFile(filepath.Join(dir, "w.bin"), append([]byte("gap"), raw...), 0o666); err != nil {
			t.Fatal(err)
		}
		for _, away := range []bool{false, true} {
			p := smallModel()
			w := p.Graph.Initializer[0]
			w.FloatData, w.Dims, w.DataType, w.RawData = nil, []int64{n}, proto.Int32(int32(d)), raw
			if away {
				w.RawData, w.DataLocation = nil, pb.TensorProto_EXTERNAL.Enum()
				for _, kv := range [][2]string{{"location", "w.bin"}, {"offset", "3"}} {
					w.ExternalData = append(w.ExternalData, &pb.StringStringEntryProto{Key: ptr(kv[0]), Value: ptr(kv[1])})
				}
			}
			path := filepath.Join(dir, "m.onnx")
			if err := os.WriteFile(path, marshal(t, p), 0o666); err != nil {
				t.Fatal(err)
			}
			m := read(t, path)
			c := m.Graph.Value("w").Init
			x, err := c.Load()
			if err != nil {
				t.Fatal(d, err)
			}
			var want, got bytes.Buffer
			if err := binary.Write(&want, binary.LittleEndian, x.Store().Data); err != nil {
				t.Fatal(d, err)
			}
			if err := c.Stream(func(b []byte) error { got.Write(b); return nil }); err != nil || !bytes.Equal(got.Bytes(), want.Bytes()) {
				t.Errorf("%v, away %v: %v, %d bytes, want %d", d, away, err, got.Len(), want.Len())
			}
			own := errors.New("enough")
			if err := c.Stream(func([]byte) error { return own }); err != own {
				t.Error(d, err)
			}
			sum, ok, err := NewDigest(context.Background(), m).Outside(c.Origin)
			if err != nil || ok != away || ok && sum != crc32.Checksum(want.Bytes(), crcTable) {
				t.Errorf("%v, away %v: %x, %v, %v", d, away, sum, ok, err)
			}
		}
	}
}

// TestDataStreamTruncated is an error that names the tensor, and the file where it
// is another.
func TestDataStreamTruncated(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "w.bin"), make([]byte, 7), 0o666); err != nil {
		t.Fatal(err)
	}
	m := read(t, externalModel(t, dir, "w.bin", "", ""))
	err := m.Graph.Value("w").Init.Stream(func([]byte) error { return nil })
	var load *graph.LoadError
	if !errors.As(err, &load) || err.Error() != `tensor "w": external data "w.bin": needs 8 bytes at offset 0, but the file has 7` {
		t.Error(err)
	}
	if _, _, err = NewDigest(context.Background(), m).Outside(graph.Extent{}); !errors.As(err, &load) {
		t.Error(err)
	}
}

// TestDigestOfCopies takes the digest of what a writer copies, in any order: sums
// and bytes are as if each were read alone.
func TestDigestOfCopies(t *testing.T) {
	const size = 9*block + 77
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i * 31 % 253)
	}
	m := &graph.Model{Source: &graph.Source{ReaderAt: bytes.NewReader(b), Size: size}}
	m.Graph = graph.NewGraph(m, nil)
	ranges := []graph.Extent{{Off: 5, Len: block}, {Off: 3 * block, Len: 17}, {Off: 3*block + 17, Len: 4*block + 1}, {Off: size - 3, Len: 3}}
	want, err := NewDigest(context.Background(), m).Sum()
	if err != nil {
		t.Fatal(err)
	}
	for _, copies := range [][]graph.Extent{
		nil,
		{{Off: 0, Len: size}},
		{{Off: 1, Len: 2 * block}, {Off: 4*block - 3, Len: 3*block + 5}},
		{{Off: 4 * block, Len: 2 * block}, {Off: 0, Len: 8 * block}, {Off: 0, Len: 7}},
		{{Off: size - 1, Len: 1}, {Off: 0, Len: size}},
	} {
		d := NewDigest(context.Background(), m)
		d.inside = newSums(ranges)
		f, err := os.Create(filepath.Join(t.TempDir(), "out"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		to := int64(1234)
		for _, e := range copies {
			if err := d.copy(context.Background(), f, to, e); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, e.Len)
			if _, err := f.ReadAt(got, to); err != nil || !bytes.Equal(got, b[e.Off:e.Off+e.Len]) {
				t.Fatalf("%v: other bytes, %v", e, err)
			}
			to += e.Len
		}
		if sum, err := d.Sum(); err != nil || sum != want {
			t.Errorf("%v: %s, %v", copies, sum, err)
		}
		for _, e := range ranges {
			sum, ok, err := d.Inside(e)
			if err != nil || !ok || sum != crc32.Checksum(b[e.Off:e.Off+e.Len], crcTable) {
				t.Errorf("%v: %x, %v, %v", e, sum, ok, err)
			}
		}
		d.Close()
	}
}

// TestCopyFails passes on errors of reading and of writing, and of the context,
// without a goroutine that stays.
func TestCopyFails(t *testing.T) {
	const size = 40 * block
	f, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	fails := readerAt(func(p []byte, off int64) (int, error) {
		if off > 20*block {
			return 0, broken
		}
		return len(p), nil
	})
	whole := readerAt(func(p []byte, off int64) (int, error) { return len(p), nil })
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	e := graph.Extent{Len: size}
	for i, c := range []struct {
		ctx  context.Context
		src  io.ReaderAt
		shut bool
		want error
	}{
		{context.Background(), whole, false, nil}, {context.Background(), fails, false, broken},
		{ended, whole, false, context.Canceled}, {context.Background(), bytes.NewReader(make([]byte, size-1)), false, io.ErrUnexpectedEOF},
		{context.Background(), whole, true, os.ErrClosed},
	} {
		if c.shut {
			f.Close()
		}
		taken := int64(0)
		k := newTaker(func(at int64, b []byte) { taken += int64(len(b)) })
		err := k.copy(c.ctx, f, 3, c.src, e, 0)
		k.finish()
		if !errors.Is(err, c.want) || err == nil && taken != size {
			t.Errorf("%d: %v, want %v; %d taken", i, err, c.want, taken)
		}
	}
}

// TestWriteContext ends while a model is copied, between two of its blocks.
func TestWriteContext(t *testing.T) {
	b := marshal(t, smallModel())
	b = append(b, nested(t, 40*block)...)
	m := parse(t, b)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	m.Source.ReaderAt = readerAt(func(p []byte, off int64) (int, error) {
		if off > 20*block {
			cancel()
		}
		return bytes.NewReader(b).ReadAt(p, off)
	})
	f, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d := NewDigest(ctx, m)
	defer d.Close()
	if err := WriteContext(ctx, f, m, d); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if info, err := f.Stat(); err != nil || info.Size() > 30*block {
		t.Error(info.Size(), err)
	}
	if _, err := d.Sum(); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// nested is n bytes in an unknown field.
func nested(t *testing.T, n int) []byte {
	t.Helper()
	return protowire.AppendBytes(protowire.AppendTag(nil, 999, protowire.BytesType), make([]byte, n))
}
