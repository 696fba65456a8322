package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// types are the names of element types.
var types = map[tensor.DType]string{
	tensor.Float64: "F64", tensor.Float32: "F32", tensor.Float16: "F16", tensor.BFloat16: "BF16",
	tensor.Int64: "I64", tensor.Int32: "I32", tensor.Int16: "I16", tensor.Int8: "I8",
	tensor.Uint64: "U64", tensor.Uint32: "U32", tensor.Uint16: "U16", tensor.Uint8: "U8", tensor.Bool: "BOOL",
}

// entry is an array in the header.
type entry struct {
	DType   string   `json:"dtype"`
	Shape   []int    `json:"shape"`
	Offsets [2]int64 `json:"data_offsets"`
}

// metadata is the key in the header that is no array.
const metadata = "__metadata__"

// Write writes constants under their names, which must differ, in their order. Its
// error is w's, a *graph.LoadError, or one for a type that the format lacks.
func Write(w io.Writer, list []*graph.Data) error {
	head, err := header(list)
	if err != nil {
		return err
	}
	if _, err := w.Write(head); err != nil {
		return err
	}
	for _, d := range list {
		if err := elements(w, d); err != nil {
			return err
		}
	}
	return nil
}

// header is all that comes before the elements.
func header(list []*graph.Data) ([]byte, error) {
	var b bytes.Buffer
	b.Write(make([]byte, 8)) // the length, which comes last
	b.WriteByte('{')
	at, seen := int64(0), map[string]bool{metadata: true}
	for i, d := range list {
		name, ok := types[d.DType]
		if !ok || seen[d.Name] {
			return nil, fmt.Errorf("tensor %q: %v, want a type that safetensors has and a name of its own", d.Name, d.DType)
		}
		seen[d.Name] = true
		size := int64(d.Len()) * int64(d.DType.Size())
		key, err := json.Marshal(d.Name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(entry{name, append([]int{}, d.Dims...), [2]int64{at, at + size}})
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%s:%s", key, value)
		at += size
	}
	b.WriteByte('}')
	for b.Len()%8 != 0 {
		b.WriteByte(' ')
	}
	binary.LittleEndian.PutUint64(b.Bytes(), uint64(b.Len()-8))
	return b.Bytes(), nil
}

// elements writes those of d.
func elements(w io.Writer, d *graph.Data) error {
	if d.Stream != nil {
		return d.Stream(func(b []byte) error {
			_, err := w.Write(b)
			return err
		})
	}
	t, err := d.Load()
	if err != nil {
		return err
	}
	return binary.Write(w, binary.LittleEndian, t.Store().Data)
}

// named is the element type that the format calls name.
func named(name string) (tensor.DType, bool) {
	for _, d := range slices.Sorted(maps.Keys(types)) {
		if types[d] == name {
			return d, true
		}
	}
	return tensor.Invalid, false
}
