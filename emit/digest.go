package emit

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"slices"

	"github.com/onnxloss/onnxloss/graph"
)

// Digest is the SHA-256 of a model's file and the checksums of the constants
// in it, taken in one pass in the background.
type Digest struct {
	done   chan struct{}
	err    error
	sha256 string
	sums   map[*graph.Data]uint32
}

// StartDigest begins to read the file behind m, which must stay open.
func StartDigest(m *graph.Model) *Digest {
	d := &Digest{done: make(chan struct{}), sums: map[*graph.Data]uint32{}}
	var inside []*graph.Data
	for _, v := range m.Graph.Inits {
		if v.Init.External == "" && !v.Init.Origin.IsZero() {
			inside = append(inside, v.Init)
		}
	}
	slices.SortFunc(inside, func(a, b *graph.Data) int { return int(a.Origin.Off - b.Origin.Off) })
	go func() {
		defer close(d.done)
		d.err = d.read(m.Source, inside)
	}()
	return d
}

// pass is how much of the file is held at a time.
const pass = 1 << 20

func (d *Digest) read(src *graph.Source, inside []*graph.Data) error {
	h := sha256.New()
	buf := make([]byte, pass)
	for at := int64(0); at < src.Size; {
		n, err := src.ReadAt(buf[:min(pass, src.Size-at)], at)
		if n == 0 {
			return fmt.Errorf("reading the input: %w", noProgress(err))
		}
		h.Write(buf[:n])
		for len(inside) > 0 && inside[0].Origin.Off < at+int64(n) {
			e := inside[0].Origin
			lo, hi := max(e.Off-at, 0), min(e.Off+e.Len-at, int64(n))
			d.sums[inside[0]] = crc32.Update(d.sums[inside[0]], crcTable, buf[lo:hi])
			if e.Off+e.Len > at+int64(n) {
				break
			}
			inside = inside[1:]
		}
		at += int64(n)
	}
	d.sha256 = hex.EncodeToString(h.Sum(nil))
	return nil
}

func noProgress(err error) error {
	if err == nil || err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// fingerprint completes what structure began, with checksums of this pass
// where it has them.
func (d *Digest) fingerprint(m *graph.Model, f *fingerprint, data []*graph.Data) (string, error) {
	sums := make([]uint32, len(data))
	for i, x := range data {
		sum, ok := d.sums[x]
		if !ok {
			var err error
			if sum, err = dataChecksum(m, x); err != nil {
				return "", err
			}
		}
		sums[i] = sum
	}
	return f.with(data, sums), nil
}
