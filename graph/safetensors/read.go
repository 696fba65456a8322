package safetensors

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/limits"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// ReadFile reads the header of a file and gives its arrays in the order of their bytes.
// Elements are read when they are asked for, from the file of that name. Errors begin
// with the path.
func ReadFile(path string) ([]*graph.Data, error) {
	list, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return list, nil
}

func readFile(path string) ([]*graph.Data, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, unwrapped(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, unwrapped(err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("is no regular file")
	}
	entries, from, err := parse(f, info.Size())
	if err != nil {
		return nil, err
	}
	list := make([]*graph.Data, 0, len(entries))
	for name, e := range entries {
		d, err := e.data(name, path, from, info.Size())
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", name, err)
		}
		list = append(list, d)
	}
	slices.SortFunc(list, func(a, b *graph.Data) int {
		return cmp.Or(cmp.Compare(entries[a.Name].Offsets[0], entries[b.Name].Offsets[0]), cmp.Compare(entries[a.Name].Offsets[1], entries[b.Name].Offsets[1]), strings.Compare(a.Name, b.Name))
	})
	at := int64(0)
	for _, d := range list {
		if entries[d.Name].Offsets[0] < at {
			return nil, fmt.Errorf("tensor %q: has bytes of another one", d.Name)
		}
		at = entries[d.Name].Offsets[1]
	}
	return list, nil
}

// unwrapped is err without the path, which the caller names.
func unwrapped(err error) error {
	if p, ok := err.(*os.PathError); ok {
		return p.Err
	}
	return err
}

// parse reads the header of a file of the given size, and where the elements begin.
func parse(r io.Reader, size int64) (map[string]entry, int64, error) {
	var length [8]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, 0, fmt.Errorf("is no safetensors file: shorter than the length of a header")
	}
	n := binary.LittleEndian.Uint64(length[:])
	if n > uint64(size-8) {
		return nil, 0, fmt.Errorf("is no safetensors file: a header of %d bytes in a file of %d", n, size)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return nil, 0, unwrapped(err)
	}
	const object = 512 // bytes that an array's entry may take
	if int64(strings.Count(string(text), "{"))*object > limits.Memory(size) {
		return nil, 0, fmt.Errorf("a header of %d bytes that describes more than %d MB", n, limits.Memory(size)/1e6)
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, 0, fmt.Errorf("header: %w", err)
	}
	entries := map[string]entry{}
	for name, m := range raw {
		if name == metadata {
			continue
		}
		var e entry
		if err := json.Unmarshal(m, &e); err != nil {
			return nil, 0, fmt.Errorf("header: tensor %q: %w", name, err)
		}
		entries[name] = e
	}
	return entries, 8 + int64(n), nil
}

// data is the array of an entry whose offsets count from from.
func (e entry) data(name, path string, from, size int64) (*graph.Data, error) {
	t, ok := named(e.DType)
	if !ok {
		return nil, fmt.Errorf("the type %q is not known", e.DType)
	}
	n, err := tensor.Count(e.Shape)
	if err != nil {
		return nil, err
	}
	bytes := e.Offsets[1] - e.Offsets[0]
	if e.Offsets[0] < 0 || bytes < 0 || e.Offsets[1] > size-from {
		return nil, fmt.Errorf("bytes %v of %d", e.Offsets, size-from)
	}
	if int64(n) > size || int64(n)*int64(t.Size()) != bytes {
		return nil, fmt.Errorf("%d bytes for %v of shape %v", bytes, t, e.Shape)
	}
	d := &graph.Data{Name: name, DType: t, Dims: e.Shape, Bytes: bytes}
	d.Stream = func(do func([]byte) error) error { return stream(path, from+e.Offsets[0], bytes, name, do) }
	d.Load = func() (*tensor.Tensor, error) {
		x, err := tensor.Make(t, e.Shape...)
		if err == nil {
			err = load(path, from+e.Offsets[0], bytes, x)
		}
		if err != nil {
			return nil, &graph.LoadError{Tensor: name, Err: err}
		}
		return x, nil
	}
	return d, nil
}

// piece is how much of an array is held at a time where it is passed on.
const piece = 256 << 10

func stream(path string, at, n int64, name string, do func([]byte) error) error {
	f, err := os.Open(path)
	if err != nil {
		return &graph.LoadError{Tensor: name, Err: err}
	}
	defer f.Close()
	b := make([]byte, min(n, piece))
	for n > 0 {
		b = b[:min(n, int64(len(b)))]
		if _, err := f.ReadAt(b, at); err != nil {
			return &graph.LoadError{Tensor: name, Err: err}
		}
		if err := do(b); err != nil {
			return err
		}
		at, n = at+int64(len(b)), n-int64(len(b))
	}
	return nil
}

func load(path string, at, n int64, x *tensor.Tensor) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return binary.Read(io.NewSectionReader(f, at, n), binary.LittleEndian, x.Store().Data)
}
