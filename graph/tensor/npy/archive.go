package npy

import (
	"archive/zip"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/onnxloss/onnxloss/graph/limits"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// Archive is an open .npz file, of which arrays are read one at a time.
type Archive struct {
	file    *os.File
	path    string
	size    int64
	entries []*zip.File // the arrays, in the archive's order
}

// OpenArchive opens a .npz file. It reads the list of entries and fails if two
// of them lie over each other. Errors begin with the path.
func OpenArchive(path string) (*Archive, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	a := &Archive{file: f, path: path}
	if err := a.list(); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return a, nil
}

func (a *Archive) list() error {
	st, err := a.file.Stat()
	if err != nil {
		return err
	}
	a.size = st.Size()
	z, err := zip.NewReader(a.file, a.size)
	if err != nil {
		return err
	}
	if len(z.File) > limits.Entries {
		return fmt.Errorf("%d entries, want at most %d", len(z.File), limits.Entries)
	}
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, ".npy") {
			a.entries = append(a.entries, f)
		}
	}
	return a.checkPlaces(z.File)
}

// checkPlaces fails if the content of an entry lies outside the file or over
// another entry.
func (a *Archive) checkPlaces(files []*zip.File) error {
	type place struct {
		name     string
		from, to int64
	}
	var places []place
	for _, f := range files {
		at, err := f.DataOffset()
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		if at > a.size || f.CompressedSize64 > uint64(a.size-at) {
			return fmt.Errorf("%s: lies outside the file", f.Name)
		}
		const local = 30 // bytes of the header before the name
		places = append(places, place{f.Name, at - local - int64(len(f.Name)), at + int64(f.CompressedSize64)})
	}
	slices.SortFunc(places, func(p, q place) int { return cmp.Compare(p.from, q.from) })
	for i := 1; i < len(places); i++ {
		if p, q := places[i-1], places[i]; q.from < p.to {
			return fmt.Errorf("%s and %s overlap", p.name, q.name)
		}
	}
	return nil
}

// Close closes the file.
func (a *Archive) Close() error { return a.file.Close() }

// Names is the names of the arrays, in the archive's order.
func (a *Archive) Names() []string {
	var names []string
	for _, f := range a.entries {
		names = append(names, strings.TrimSuffix(f.Name, ".npy"))
	}
	return names
}

// Read reads the array of the given name, and no other. It is nil, without an
// error, if there is none. Errors begin with the path.
func (a *Archive) Read(name string) (*tensor.Tensor, error) {
	var found *zip.File
	for _, f := range a.entries {
		if f.Name != name+".npy" {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("%s: more than one array %q", a.path, name)
		}
		found = f
	}
	if found == nil {
		return nil, nil
	}
	t, err := a.read(found)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", a.path, found.Name, err)
	}
	return t, nil
}

func (a *Archive) read(f *zip.File) (*tensor.Tensor, error) {
	size := f.UncompressedSize64
	switch {
	case f.Flags&1 != 0:
		return nil, errors.New("encrypted archives are not supported")
	case size > limits.Ratio*f.CompressedSize64+limits.ArrayHeader:
		return nil, fmt.Errorf("%d bytes cannot expand to %d", f.CompressedSize64, size)
	case size > uint64(limits.Memory(a.size)):
		return nil, fmt.Errorf("an archive of %[2]d bytes may expand to %[3]d, not %[1]d; a .npy file has no such limit",
			size, a.size, limits.Memory(a.size))
	}
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	t, err := Read(r, int64(size))
	if err != nil {
		return nil, err
	}
	if n, err := r.Read(make([]byte, 1)); n > 0 || err != io.EOF { // at the end the checksum is compared
		return nil, cmp.Or(err, errors.New("more bytes than the archive declares"))
	}
	return t, nil
}

// ReadArchive reads all arrays of a .npz file, by name.
func ReadArchive(path string) (map[string]*tensor.Tensor, error) {
	a, err := OpenArchive(path)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	all := map[string]*tensor.Tensor{}
	for _, name := range a.Names() {
		if all[name], err = a.Read(name); err != nil {
			return nil, err
		}
	}
	return all, nil
}
