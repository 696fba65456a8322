package npy

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/onnxloss/onnxloss/graph/tensor"
)

func TestWriteRead(t *testing.T) {
	for _, x := range []*tensor.Tensor{
		tensor.Scalar(float32(1.5)),
		tensor.Vector[int64](),
		tensor.Vector(true, false),
		tensor.Of([]int{2, 3}, []float64{1, 2, 3, 4, 5, 6}),
		tensor.Of([]int{1, 1, 2}, []tensor.F16{0x3c00, 0x7c00}),
		tensor.Vector(complex(1, 2)),
	} {
		var b bytes.Buffer
		if err := Write(&b, x); err != nil {
			t.Fatal(err)
		}
		if head := b.Len() - x.Len()*x.DType.Size(); head%64 != 0 {
			t.Errorf("%v: the data begins at %d, want a multiple of 64", x, head)
		}
		y, err := Read(&b, int64(b.Len()))
		if err != nil {
			t.Fatalf("%v: %v", x, err)
		}
		if y.String() != x.String() || x.Len() > 0 && !reflect.DeepEqual(x.Store().Data, y.Store().Data) {
			t.Errorf("wrote %v, read %v", x, y)
		}
	}
}

func array(head string, data ...byte) []byte {
	b := append([]byte(magic+"\x01\x00"), byte(len(head)), byte(len(head)>>8))
	return append(append(b, head...), data...)
}

func TestFortranAndByteOrder(t *testing.T) {
	b := array("{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3), }", 0, 1, 0, 4, 0, 2, 0, 5, 0, 3, 0, 6)
	x, err := Read(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := tensor.Data[int16](x), []int16{1, 2, 3, 4, 5, 6}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestBadArrays(t *testing.T) {
	for _, b := range [][]byte{
		nil, []byte("PK"), array(""), array("{}"),
		array("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999,), }"),
		array("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", 0, 0, 0, 0),
		array("{'descr': '|O', 'fortran_order': False, 'shape': (), }", 0),
		[]byte(magic + "\x02\x00\xff\xff\xff\xff"),
		[]byte(magic + "\x09\x00\xff\xff"),
	} {
		if x, err := Read(bytes.NewReader(b), int64(len(b))); err == nil {
			t.Errorf("%q gave %v, want an error", b, x)
		}
	}
	path := filepath.Join(t.TempDir(), "x.npz")
	if err := os.WriteFile(path, []byte("PK\x03\x04 nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenArchive(path); err == nil {
		t.Error("a broken archive was read")
	}
}
