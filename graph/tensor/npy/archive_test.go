package npy

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph/limits"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// entry is a file in an archive to be.
type entry struct {
	name string
	data []byte
}

func npyBytes(t testing.TB, x *tensor.Tensor) []byte {
	var b bytes.Buffer
	if err := Write(&b, x); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func archive(t testing.TB, method uint16, entries ...entry) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, e := range entries {
		w, err := z.CreateHeader(&zip.FileHeader{Name: e.name, Method: method})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(e.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func open(t testing.TB, b []byte) (*Archive, error) {
	path := filepath.Join(t.TempDir(), "x.npz")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return OpenArchive(path)
}

// TestArchive reads one array of several; the others may be anything.
func TestArchive(t *testing.T) {
	want := tensor.Of([]int{2, 2}, []float32{1, 2, 3, 4})
	for _, method := range []uint16{zip.Store, zip.Deflate} {
		a, err := open(t, archive(t, method, entry{"folder/", nil}, entry{"junk.npy", []byte("junk")},
			entry{"x.npy", npyBytes(t, want)}, entry{"x", []byte("text")}, entry{"twice.npy", nil}, entry{"twice.npy", nil}))
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		if got := strings.Join(a.Names(), " "); got != "junk x twice twice" {
			t.Error(got)
		}
		x, err := a.Read("x")
		if err != nil || x.String() != want.String() || tensor.Data[float32](x)[3] != 4 {
			t.Error(x, err)
		}
		if x, err := a.Read("y"); x != nil || err != nil {
			t.Error(x, err)
		}
		if _, err := a.Read("junk"); err == nil || !strings.Contains(err.Error(), "x.npz: junk.npy: npy: not a NumPy array") {
			t.Error(err)
		}
		if _, err := a.Read("twice"); err == nil || !strings.Contains(err.Error(), `more than one array "twice"`) {
			t.Error(err)
		}
	}
}

// zeros is an array of n bytes, all of them 0.
func zeros(t testing.TB, n int) []byte { return npyBytes(t, tensor.Of([]int{n}, make([]uint8, n))) }

// TestBombs: archives that hold more than their size allows are refused, and
// none of the others' entries is expanded.
func TestBombs(t *testing.T) {
	small := entry{"x.npy", npyBytes(t, tensor.Vector[float32](1))}
	large := entry{"large.npy", zeros(t, limits.Base+1<<20)}
	for _, c := range []struct {
		name, read, want string
		file             []byte
	}{
		{"large", "large", "may expand to", archive(t, zip.Deflate, small, large)},
		{"large beside", "x", "", archive(t, zip.Deflate, small, large)},
		{"overlap", "x", "overlap", overlapping(t)},
		{"quoted", "x", "overlap", quoted(t)},
		{"one for two", "x", "overlap", aliased(t)},
		{"outside", "x", "outside the file", patched(t, small, 20, 1<<30)},
		{"ratio", "x", "cannot expand to", patched(t, small, 24, 1<<30)},
		{"shorter", "x", "", patched(t, small, 24, 8)},
		{"checksum", "x", "checksum", patched(t, small, 16, 1)},
		{"encrypted", "x", "encrypted", patched(t, small, 8, 1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			a, err := open(t, c.file)
			if err == nil {
				defer a.Close()
				_, err = a.Read(c.read)
			}
			runtime.ReadMemStats(&after)
			switch {
			case c.name == "shorter":
				if err == nil {
					t.Error("no error")
				}
			case c.want == "" && err != nil, c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want %q", err, c.want)
			}
			if got := after.TotalAlloc - before.TotalAlloc; got > 4<<20 {
				t.Errorf("%d bytes are taken", got)
			}
		})
	}
}

// central is where the n-th record of the list of entries begins.
func central(b []byte, n int) int {
	at := bytes.Index(b, []byte("PK\x01\x02"))
	for range n {
		at += 4 + bytes.Index(b[at+4:], []byte("PK\x01\x02"))
	}
	return at
}

// patched is an archive of e in whose list of entries four bytes are others.
func patched(t testing.TB, e entry, at int, x uint32) []byte {
	b := archive(t, zip.Deflate, e)
	binary.LittleEndian.PutUint32(b[central(b, 0)+at:], x)
	return b
}

// overlapping has two entries, of which the first is said to go on over the
// second.
func overlapping(t testing.TB) []byte {
	b := archive(t, zip.Store, entry{"x.npy", zeros(t, 100)}, entry{"y.npy", zeros(t, 100)})
	at := central(b, 0)
	size := binary.LittleEndian.Uint32(b[at+20:])
	binary.LittleEndian.PutUint32(b[at+20:], size+10)
	return b
}

// quoted has a first entry that holds the whole second one.
func quoted(t testing.TB) []byte {
	b := archive(t, zip.Store, entry{"x.npy", zeros(t, 100)}, entry{"y.npy", zeros(t, 100)})
	at := central(b, 0)
	size := binary.LittleEndian.Uint32(b[at+20:])
	all := 2*size + 30 + 5
	binary.LittleEndian.PutUint32(b[at+20:], all)
	binary.LittleEndian.PutUint32(b[at+24:], all)
	return b
}

// aliased has two entries for the same bytes.
func aliased(t testing.TB) []byte {
	b := archive(t, zip.Store, entry{"x.npy", zeros(t, 100)}, entry{"y.npy", zeros(t, 100)})
	binary.LittleEndian.PutUint32(b[central(b, 1)+42:], 0)
	return b
}

// FuzzRead reads any bytes as an array, and writes what was read.
func FuzzRead(f *testing.F) {
	f.Add(npyBytes(f, tensor.Of([]int{2, 2}, []float32{1, 2, 3, 4})))
	f.Add(array("{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3), }", 0, 1, 0, 4, 0, 2, 0, 5, 0, 3, 0, 6))
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := Read(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		again := npyBytes(t, x)
		y, err := Read(bytes.NewReader(again), int64(len(again)))
		if err != nil || y.String() != x.String() {
			t.Fatalf("%v read, %v read back: %v", x, y, err)
		}
	})
}

// FuzzArchive reads every array of any bytes as an archive. It takes no more
// memory than the limit for each.
func FuzzArchive(f *testing.F) {
	x := entry{"x.npy", zeros(f, 100)}
	f.Add(archive(f, zip.Store, x, entry{"y.npy", []byte("junk")}))
	f.Add(archive(f, zip.Deflate, x))
	f.Add(overlapping(f))
	f.Add(aliased(f))
	path := filepath.Join(f.TempDir(), "x.npz")
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		a, err := OpenArchive(path)
		if err != nil {
			return
		}
		defer a.Close()
		for _, name := range a.Names() {
			x, err := a.Read(name)
			if err == nil && int64(x.Len()*x.DType.Size()) > limits.Memory(int64(len(b))) {
				t.Fatalf("%v of %d bytes", x, len(b))
			}
		}
	})
}
