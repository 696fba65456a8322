package graph

import (
	"fmt"
	"io"
	"os"

	"github.com/onnxloss/onnxloss/graph/tensor"
)

// Source is the file that a model was read from, open for as long as the
// model is in use.
type Source struct {
	io.ReaderAt
	Size int64
	Path string // for messages, and to find external data beside it; may be empty
	// External opens a file of external data by its location, for reading; nil
	// if there can be none, as of a stream.
	External func(location string) (*os.File, error)
}

// Extent is a range of bytes in the model's Source: one whole message, without
// its tag and length. The zero Extent is none.
type Extent struct{ Off, Len int64 }

// IsZero reports whether e names no bytes.
func (e Extent) IsZero() bool { return e == Extent{} }

// Pair is a key with its value.
type Pair struct{ Key, Value string }

// Opset is an operator set that a model or function is written in. Domain ""
// is ONNX's own.
type Opset struct {
	Domain  string
	Version int64
}

// Model is one ONNX model.
type Model struct {
	IR              int64
	Producer        string
	ProducerVersion string
	Domain          string
	Version         int64
	Doc             string
	Opsets          []Opset
	Metadata        []Pair
	Graph           *Graph
	Functions       []*Function

	// Source is where unread bytes lie; nil for a model built in memory.
	Source *Source
	// Origin is what the format's reader keeps to write back unchanged parts.
	// It is nil for a model built in memory.
	Origin any
	// Later, if set, is text in the metadata that is not known yet.
	Later *Later
	// Dirty is set by the edits of this package that change the model or its
	// main graph.
	Dirty bool
}

// Later stands for text of the metadata that becomes known while the model is
// being written: a writer puts what Final gives, which is as long, in place of
// Text. So a digest of the file can be taken while its bytes are copied.
type Later struct {
	Text  string
	Final func() (string, error)
}

// New is an empty model that imports ONNX's operator set at version opset.
func New(opset int64) *Model {
	m := &Model{IR: 8, Opsets: []Opset{{"", opset}}, Dirty: true}
	m.Graph = NewGraph(m, nil)
	m.Graph.Name = "main"
	return m
}

// Close releases the file behind the model. Constants that were not loaded
// cannot be loaded afterwards.
func (m *Model) Close() error {
	if m.Source == nil {
		return nil
	}
	if c, ok := m.Source.ReaderAt.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// Opset is the imported version of a domain; 0 if it is not imported. The
// domain "ai.onnx" is "" by another name.
func (m *Model) Opset(domain string) int64 {
	return findOpset(m.Opsets, domain)
}

func findOpset(opsets []Opset, domain string) int64 {
	for _, o := range opsets {
		if CanonicalDomain(o.Domain) == CanonicalDomain(domain) {
			return o.Version
		}
	}
	return 0
}

// CanonicalDomain is domain, with "" for "ai.onnx".
func CanonicalDomain(domain string) string {
	if domain == "ai.onnx" {
		return ""
	}
	return domain
}

// SetOpset imports version v of domain.
func (m *Model) SetOpset(domain string, v int64) {
	m.Dirty = true
	for i, o := range m.Opsets {
		if CanonicalDomain(o.Domain) == CanonicalDomain(domain) {
			m.Opsets[i].Version = v
			return
		}
	}
	m.Opsets = append(m.Opsets, Opset{domain, v})
}

// Meta is the metadata value stored under key, and whether there is one.
func (m *Model) Meta(key string) (string, bool) {
	for _, p := range m.Metadata {
		if p.Key == key {
			return p.Value, true
		}
	}
	return "", false
}

// SetMeta stores a metadata value under key.
func (m *Model) SetMeta(key, value string) {
	m.Dirty = true
	for i, p := range m.Metadata {
		if p.Key == key {
			m.Metadata[i].Value = value
			return
		}
	}
	m.Metadata = append(m.Metadata, Pair{key, value})
}

// Function finds a model-local function by domain, name and overload; nil if
// there is none.
func (m *Model) Function(domain, name, overload string) *Function {
	for _, f := range m.Functions {
		if f.Name == name && CanonicalDomain(f.Domain) == CanonicalDomain(domain) && f.Overload == overload {
			return f
		}
	}
	return nil
}

// Function is a model-local function: a graph with formal attributes. Inside
// its Body an Attr with a RefName takes the caller's attribute of that name.
type Function struct {
	Name, Domain, Overload, Doc string
	Attrs                       []string // required attributes
	Defaults                    []*Attr  // attributes with a default
	Opsets                      []Opset
	Body                        *Graph
	Origin                      Extent
}

// Opset is the version of a domain that the function's body is written in; 0
// if it imports none.
func (f *Function) Opset(domain string) int64 { return findOpset(f.Opsets, domain) }

// SetOpset imports version v of domain into the function.
func (f *Function) SetOpset(domain string, v int64) {
	f.Body.touch()
	for i, o := range f.Opsets {
		if CanonicalDomain(o.Domain) == CanonicalDomain(domain) {
			f.Opsets[i].Version = v
			return
		}
	}
	f.Opsets = append(f.Opsets, Opset{domain, v})
}

// Data is a constant: an initializer or a tensor attribute. Its elements are
// read when asked for.
type Data struct {
	Name  string
	DType tensor.DType
	Dims  []int
	Doc   string
	// Load reads and decodes the elements, anew at each call. Its error is a
	// *LoadError.
	Load func() (*tensor.Tensor, error)
	// Stream calls do with the elements' little-endian bytes, in pieces, without
	// loading them all. Elements narrower than a byte take one each, truth values
	// are 0 or 1. It is nil where only Load can give them. Its error is a
	// *LoadError, or do's.
	Stream func(do func([]byte) error) error
	// Bytes is how many bytes the elements take where they lie.
	Bytes int64
	// External is the location of elements outside the model's file; "" if
	// they are inside.
	External string
	// Origin is where the whole message lies in the model's Source; zero for
	// a constant made in memory.
	Origin Extent
}

// LoadError is the error of reading the elements of a constant: the file that
// has them cannot be read, or does not hold what the model says.
type LoadError struct {
	Tensor string // its name
	Err    error
}

func (e *LoadError) Error() string { return fmt.Sprintf("tensor %q: %v", e.Tensor, e.Err) }

func (e *LoadError) Unwrap() error { return e.Err }

// NewData is a constant made in memory.
func NewData(name string, t *tensor.Tensor) *Data {
	return &Data{
		Name: name, DType: t.DType, Dims: t.Shape, Bytes: int64(t.Len() * t.DType.Size()),
		Load: func() (*tensor.Tensor, error) { return t, nil },
	}
}

// Type is the type of the constant.
func (d *Data) Type() Type { return TensorOf(d.DType, Static(d.Dims...)) }

// Len is the number of elements, by the dims.
func (d *Data) Len() int {
	n := 1
	for _, x := range d.Dims {
		n *= x
	}
	return n
}

// AttrKind is the type of an attribute, with ONNX's numbers.
type AttrKind int32

// The kinds of attributes.
const (
	AttrUndefined     AttrKind = 0
	AttrFloat         AttrKind = 1
	AttrInt           AttrKind = 2
	AttrString        AttrKind = 3
	AttrTensor        AttrKind = 4
	AttrGraph         AttrKind = 5
	AttrFloats        AttrKind = 6
	AttrInts          AttrKind = 7
	AttrStrings       AttrKind = 8
	AttrTensors       AttrKind = 9
	AttrGraphs        AttrKind = 10
	AttrSparseTensor  AttrKind = 11
	AttrSparseTensors AttrKind = 12
	AttrTypeProto     AttrKind = 13
	AttrTypeProtos    AttrKind = 14
)

// Attr is one attribute of a node. The field that Kind names holds the value.
type Attr struct {
	Name    string
	RefName string // in a function's body: the caller's attribute to take
	Doc     string
	Kind    AttrKind
	F       float32
	I       int64
	S       string
	Floats  []float32
	Ints    []int64
	Strings []string
	Tensor  *Data // also a sparse tensor, which Load makes dense
	Graph   *Graph
	Tensors []*Data
	Graphs  []*Graph
	Types   []Type
	// Origin is where the attribute lies in the model's Source; zero for one
	// made in memory. Whoever changes an attribute in place clears it.
	Origin Extent
}

// The constructors of attributes.

// Int is an integer attribute.
func Int(name string, v int64) *Attr { return &Attr{Name: name, Kind: AttrInt, I: v} }

// Ints is a list of integers.
func Ints(name string, v ...int64) *Attr { return &Attr{Name: name, Kind: AttrInts, Ints: v} }

// Float is a number.
func Float(name string, v float32) *Attr { return &Attr{Name: name, Kind: AttrFloat, F: v} }

// Floats is a list of numbers.
func Floats(name string, v ...float32) *Attr { return &Attr{Name: name, Kind: AttrFloats, Floats: v} }

// String is a string attribute.
func String(name, v string) *Attr { return &Attr{Name: name, Kind: AttrString, S: v} }

// Tensor is a tensor attribute.
func Tensor(name string, t *tensor.Tensor) *Attr {
	return &Attr{Name: name, Kind: AttrTensor, Tensor: NewData("", t)}
}
