// Package npy reads and writes NumPy's .npy arrays and reads .npz archives, by
// the NumPy Enhancement Proposal 1 (versions 1 to 3).
//
// Supported are booleans, integers, real and complex numbers of either byte
// order, in C or Fortran order. Elements of types that NumPy lacks (bfloat16,
// 8-bit floats, 4-bit integers) and strings are refused.
package npy

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/onnxloss/onnxloss/graph/limits"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

const magic = "\x93NUMPY"

type header struct {
	descr   string
	fortran bool
	shape   []int
}

var (
	reDescr = regexp.MustCompile(`'descr'\s*:\s*'([^']*)'`)
	reOrder = regexp.MustCompile(`'fortran_order'\s*:\s*(True|False)`)
	reShape = regexp.MustCompile(`'shape'\s*:\s*\(([0-9,\sL]*)\)`)
)

// Read reads one array from r, which holds size bytes in all. It takes memory
// for the array alone.
func Read(r io.Reader, size int64) (*tensor.Tensor, error) {
	h, n, err := readHeader(r)
	if err != nil {
		return nil, err
	}
	code, order, err := parseDescr(h.descr)
	if err != nil {
		return nil, err
	}
	count, err := tensor.Count(h.shape)
	if err != nil {
		return nil, err
	}
	if want := int64(count) * int64(code.width); want != size-n {
		return nil, fmt.Errorf("npy: shape %v of %s takes %d bytes, but %d follow the header", h.shape, h.descr, want, size-n)
	}
	t, err := tensor.Make(code.dtype, h.shape...)
	if err != nil {
		return nil, err
	}
	fill := readElems
	if h.fortran && len(h.shape) > 1 {
		fill = readFortran
	}
	if err := fill(r, order, t, code.width); err != nil {
		return nil, fmt.Errorf("npy: %w", err)
	}
	return t, nil
}

// chunk is the elements that are converted at a time.
const chunk = 1 << 13

// readElems converts in pieces, so that no second copy of t is held.
func readElems(r io.Reader, order binary.ByteOrder, t *tensor.Tensor, width int) error {
	buf := make([]byte, chunk*width)
	for i := 0; i < t.Len(); i += chunk {
		j := min(i+chunk, t.Len())
		b := buf[:(j-i)*width]
		if _, err := io.ReadFull(r, b); err != nil {
			return err
		}
		if _, err := binary.Decode(b, order, part(t, i, j)); err != nil {
			return err
		}
	}
	return nil
}

func readHeader(r io.Reader) (header, int64, error) {
	var pre [12]byte
	if _, err := io.ReadFull(r, pre[:10]); err != nil || string(pre[:6]) != magic {
		return header{}, 0, fmt.Errorf("npy: not a NumPy array")
	}
	size, at := int(binary.LittleEndian.Uint16(pre[8:])), int64(10)
	switch pre[6] {
	case 1:
	case 2, 3:
		if _, err := io.ReadFull(r, pre[10:]); err != nil {
			return header{}, 0, fmt.Errorf("npy: the header is truncated")
		}
		size, at = int(binary.LittleEndian.Uint32(pre[8:])), 12
	default:
		return header{}, 0, fmt.Errorf("npy: version %d, want 1 to 3", pre[6])
	}
	if size > limits.ArrayHeader {
		return header{}, 0, fmt.Errorf("npy: a header of %d bytes is too long", size)
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(r, text); err != nil {
		return header{}, 0, fmt.Errorf("npy: the header is truncated")
	}
	h, err := parseHeader(string(text))
	return h, at + int64(size), err
}

func parseHeader(text string) (header, error) {
	descr, order, shape := reDescr.FindStringSubmatch(text), reOrder.FindStringSubmatch(text), reShape.FindStringSubmatch(text)
	if descr == nil || order == nil || shape == nil {
		return header{}, fmt.Errorf("npy: %q does not describe a plain array", text)
	}
	h := header{descr: descr[1], fortran: order[1] == "True"}
	for s := range strings.SplitSeq(shape[1], ",") {
		s = strings.TrimSuffix(strings.TrimSpace(s), "L")
		if s == "" {
			continue
		}
		d, err := strconv.Atoi(s)
		if err != nil {
			return header{}, fmt.Errorf("npy: invalid dimension %q", s)
		}
		h.shape = append(h.shape, d)
	}
	return h, nil
}

// code is one of NumPy's type codes.
type code struct {
	name  string
	dtype tensor.DType
	width int
}

var codes = []code{
	{"b1", tensor.Bool, 1}, {"i1", tensor.Int8, 1}, {"u1", tensor.Uint8, 1},
	{"i2", tensor.Int16, 2}, {"u2", tensor.Uint16, 2}, {"f2", tensor.Float16, 2},
	{"i4", tensor.Int32, 4}, {"u4", tensor.Uint32, 4}, {"f4", tensor.Float32, 4},
	{"i8", tensor.Int64, 8}, {"u8", tensor.Uint64, 8}, {"f8", tensor.Float64, 8},
	{"c8", tensor.Complex64, 8}, {"c16", tensor.Complex128, 16},
}

func parseDescr(s string) (code, binary.ByteOrder, error) {
	var order binary.ByteOrder = binary.LittleEndian
	if strings.HasPrefix(s, ">") {
		order = binary.BigEndian
	}
	i := slices.IndexFunc(codes, func(c code) bool { return c.name == strings.TrimLeft(s, "<>|=") })
	if i < 0 {
		return code{}, nil, fmt.Errorf("npy: unsupported element type %q", s)
	}
	return codes[i], order, nil
}

// readFortran reads elements that lie with the first axis fastest.
func readFortran(r io.Reader, order binary.ByteOrder, t *tensor.Tensor, width int) error {
	n := min(chunk, t.Len())
	piece, err := tensor.Make(t.DType, n)
	if err != nil {
		return err
	}
	index, strides := make([]int, len(t.Shape)), tensor.Strides(t.Shape)
	at := make([]int, n) // where each element of the piece goes
	for left := t.Len(); left > 0; left -= n {
		n = min(n, left)
		if err := readElems(r, order, tensor.OnStore(t.DType, []int{n}, piece.Store()), width); err != nil {
			return err
		}
		for i := range n {
			at[i] = 0
			for d, x := range index {
				at[i] += x * strides[d]
			}
			for d := range index {
				if index[d]++; index[d] < t.Shape[d] {
					break
				}
				index[d] = 0
			}
		}
		scatter(t, piece, at[:n])
	}
	return nil
}

// scatter puts the elements of src at the given positions of dst.
func scatter(dst, src *tensor.Tensor, at []int) {
	switch dst.DType {
	case tensor.Bool:
		put[bool](dst, src, at)
	case tensor.Int8:
		put[int8](dst, src, at)
	case tensor.Uint8:
		put[uint8](dst, src, at)
	case tensor.Int16:
		put[int16](dst, src, at)
	case tensor.Uint16:
		put[uint16](dst, src, at)
	case tensor.Float16:
		put[tensor.F16](dst, src, at)
	case tensor.Int32:
		put[int32](dst, src, at)
	case tensor.Uint32:
		put[uint32](dst, src, at)
	case tensor.Float32:
		put[float32](dst, src, at)
	case tensor.Int64:
		put[int64](dst, src, at)
	case tensor.Uint64:
		put[uint64](dst, src, at)
	case tensor.Float64:
		put[float64](dst, src, at)
	case tensor.Complex64:
		put[complex64](dst, src, at)
	default:
		put[complex128](dst, src, at)
	}
}

func put[T tensor.Elem](dst, src *tensor.Tensor, at []int) {
	d, s := tensor.Data[T](dst), tensor.Data[T](src)
	for i, x := range at {
		d[x] = s[i]
	}
}

// Write writes t in version 1, little-endian, C order.
func Write(w io.Writer, t *tensor.Tensor) error {
	i := slices.IndexFunc(codes, func(c code) bool { return c.dtype == t.DType })
	if i < 0 || t.IsSequence() || t.IsNone() {
		return fmt.Errorf("npy: cannot represent %v", t)
	}
	dims := ""
	for _, d := range t.Shape {
		dims += strconv.Itoa(d) + ", "
	}
	if len(t.Shape) > 1 {
		dims = strings.TrimSuffix(dims, ", ")
	}
	mark := "<"
	if codes[i].width == 1 {
		mark = "|"
	}
	text := fmt.Sprintf("{'descr': '%s%s', 'fortran_order': False, 'shape': (%s), }", mark, codes[i].name, strings.TrimSuffix(dims, " "))
	pad := 63 - (10+len(text))%64
	var b bytes.Buffer
	b.WriteString(magic + "\x01\x00")
	_ = binary.Write(&b, binary.LittleEndian, uint16(len(text)+pad+1))
	b.WriteString(text + strings.Repeat(" ", pad) + "\n")
	if _, err := w.Write(b.Bytes()); err != nil {
		return err
	}
	return writeElems(w, t)
}

// writeElems converts in pieces, so that no second copy of t is held.
func writeElems(w io.Writer, t *tensor.Tensor) error {
	for i := 0; i < t.Len(); i += chunk {
		if err := binary.Write(w, binary.LittleEndian, part(t, i, min(i+chunk, t.Len()))); err != nil {
			return err
		}
	}
	return nil
}

// part is elements i to j of t, as a slice.
func part(t *tensor.Tensor, i, j int) any {
	switch d := t.Store().Data.(type) {
	case []bool:
		return d[i:j]
	case []int8:
		return d[i:j]
	case []uint8:
		return d[i:j]
	case []int16:
		return d[i:j]
	case []uint16:
		return d[i:j]
	case []tensor.F16:
		return d[i:j]
	case []int32:
		return d[i:j]
	case []uint32:
		return d[i:j]
	case []float32:
		return d[i:j]
	case []int64:
		return d[i:j]
	case []uint64:
		return d[i:j]
	case []float64:
		return d[i:j]
	case []complex64:
		return d[i:j]
	default:
		return d.([]complex128)[i:j]
	}
}

// ReadFile reads the array in a .npy file.
func ReadFile(path string) (*tensor.Tensor, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	t, err := Read(f, st.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

// WriteFile writes t to a .npy file, which it creates or truncates.
func WriteFile(path string, t *tensor.Tensor) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := Write(f, t); err != nil {
		f.Close()
		return fmt.Errorf("%s: %w", path, err)
	}
	return f.Close()
}
