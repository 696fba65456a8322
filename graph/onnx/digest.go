package onnx

import (
	"context"
	"encoding/hex"
	"hash/crc32"
	"os"

	"github.com/zeebo/blake3"

	"github.com/onnxloss/onnxloss/graph"
)

// Digest is the BLAKE3 digest of a model's file, and check sums of its constants,
// those of external data too. They are taken of what a writer copies, on a core
// beside it; what is not copied is read when it is asked for. No byte is read
// twice for them, and no more than a few blocks are held. A Digest serves one
// goroutine.
type Digest struct {
	ctx   context.Context
	model *graph.Model

	hash     *blake3.Hasher
	inside   *sums // of initializers of the main graph
	taker    *taker
	at       int64 // how much of the file has been given to the taker
	sum      string
	err      error
	finished bool

	outside map[graph.Extent]uint32 // by where tensors lie in the file
	data    chan struct{}           // closed when the pass over what is not copied ends; nil before it begins
	dataErr error
}

// DigestPrefix is what the digests of files that this program writes begin
// with: the name of the hash function.
const DigestPrefix = "blake3:"

// NewDigest is that of the file behind m, which must stay open. The context ends
// what it reads.
func NewDigest(ctx context.Context, m *graph.Model) *Digest {
	d := &Digest{ctx: ctx, model: m, hash: blake3.New(), outside: map[graph.Extent]uint32{}}
	var inside []graph.Extent
	for _, v := range m.Graph.Inits {
		if v.Init.External == "" && !v.Init.Origin.IsZero() {
			inside = append(inside, v.Init.Origin)
		}
	}
	d.inside = newSums(inside)
	return d
}

// start begins to take the file's bytes.
func (d *Digest) start() {
	if d.taker == nil {
		d.taker = newTaker(func(at int64, b []byte) {
			d.inside.add(at, b)
			d.hash.Write(b)
		})
	}
}

// copy copies e from the model's file to offset to of f.
func (d *Digest) copy(ctx context.Context, f *os.File, to int64, e graph.Extent) error {
	d.start()
	if !d.finished && e.Off > d.at {
		if err := d.read(e.Off); err != nil {
			return err
		}
	}
	after := d.at
	if d.finished {
		after = d.model.Source.Size
	}
	err := d.taker.copy(ctx, f, to, d.model.Source, e, after)
	if err != nil {
		d.fail(err)
	}
	d.at = max(d.at, e.Off+e.Len)
	return err
}

// read digests the file up to offset end.
func (d *Digest) read(end int64) error {
	d.start()
	err := d.taker.read(d.ctx, d.model.Source, graph.Extent{Off: d.at, Len: end - d.at})
	if err != nil {
		d.fail(err)
	}
	d.at = end
	return err
}

func (d *Digest) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

// Close ends what goes on in the background. It may be called more than once.
func (d *Digest) Close() {
	if d.taker != nil {
		d.taker.finish()
		d.taker = nil
	}
	d.finished = true
	if d.data != nil {
		<-d.data
	}
}

// complete digests the rest of the file.
func (d *Digest) complete() error {
	if d.finished {
		return d.err
	}
	if size := d.model.Source.Size; d.err == nil && d.at < size {
		d.read(size)
	}
	d.start()
	d.taker.finish()
	d.taker, d.finished = nil, true
	d.sum = DigestPrefix + hex.EncodeToString(d.hash.Sum(nil))
	return d.err
}

// Sum is the digest of the model's file: DigestPrefix and 64 hexadecimal digits.
func (d *Digest) Sum() (string, error) {
	err := d.complete()
	return d.sum, err
}

// Inside is the CRC-32C of the whole message of an initializer of the main graph
// that lies at e in the model's file. It reports false if none lies there.
func (d *Digest) Inside(e graph.Extent) (sum uint32, ok bool, err error) {
	if err := d.complete(); err != nil {
		return 0, false, err
	}
	sum, ok = d.inside.get(e)
	return sum, ok, nil
}

// Outside is the CRC-32C of the elements, as graph.Data.Stream gives them, of a
// tensor that lies at e in the model's file and its elements in another. It
// reports false if none lies there.
func (d *Digest) Outside(e graph.Extent) (sum uint32, ok bool, err error) {
	if sum, ok := d.outside[e]; ok && d.data == nil {
		return sum, true, nil
	}
	d.startData()
	if <-d.data; d.dataErr != nil {
		return 0, false, d.dataErr
	}
	sum, ok = d.outside[e]
	return sum, ok, nil
}

// startData begins, in the background, to take the check sums of external data
// that are not there yet.
func (d *Digest) startData() {
	if d.data != nil {
		return
	}
	d.data = make(chan struct{})
	all := outside(d.model)
	go func() {
		defer close(d.data)
		d.dataErr = d.readData(all)
	}()
}

// readData takes the check sums of external tensors. Of their files, the last
// stays open.
func (d *Digest) readData(all []place) error {
	var f dataReader
	defer f.close()
	return eachOutside(d.model.Source, all, func(m *tensorMessage) error {
		if _, ok := d.outside[m.at]; ok || !m.streams() {
			return nil
		}
		sum := uint32(0)
		e, err := f.open(d.model.Source, m)
		if err == nil {
			err = m.stream(f.file, e, func(b []byte) error {
				sum = crc32.Update(sum, crcTable, b)
				return d.ctx.Err()
			})
		}
		if err != nil {
			return &graph.LoadError{Tensor: m.head.GetName(), Err: err}
		}
		d.outside[m.at] = sum
		return nil
	})
}
