package onnx

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/onnx/internal/draft"
)

// write puts the segments into a file beside path, under a name made of path's
// and of the content, and makes the references refer to it. A file that has
// that name and that content is used as it is; any other is left alone.
func (g *gathering) write(m *graph.Model, path string, opts Options) (*draft.File, error) {
	f, err := draft.Create(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	if err = f.TakeMode(path); err == nil {
		err = g.copy(opts, f.File, m.Source)
	}
	var sum [sha256.Size]byte
	if err == nil {
		sum, err = g.digest(opts.Digest)
	}
	for try := byte(0); err == nil; try++ {
		name := dataName(path, sum, try)
		to := filepath.Join(filepath.Dir(path), name)
		if err = f.Publish(to); err == nil {
			g.name(name)
			return f, nil
		}
		if !errors.Is(err, fs.ErrExist) || try == 100 {
			break
		}
		if old := adoptSame(to, f.File); old != nil {
			f.Drop()
			g.name(name)
			return old, nil
		}
		err = nil
	}
	f.Drop()
	return nil, err
}

func (g *gathering) name(name string) {
	for e, r := range g.refs {
		r.location = name
		g.refs[e] = r
	}
}

// digest stands for the content of the file: where ranges lie in it, and their
// check sums.
func (g *gathering) digest(d *Digest) (sum [sha256.Size]byte, err error) {
	order := slices.SortedFunc(maps.Keys(g.refs), func(a, b graph.Extent) int {
		return cmp.Or(cmp.Compare(g.refs[a].Off, g.refs[b].Off), cmp.Compare(g.refs[a].Len, g.refs[b].Len), cmp.Compare(a.Off, b.Off))
	})
	h := sha256.New()
	for _, e := range order {
		sum, _, err := d.Outside(e)
		if err != nil {
			return [sha256.Size]byte{}, err
		}
		fmt.Fprintln(h, g.refs[e].Extent, sum)
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}

// copy writes the segments, and takes the tensors' check sums. It fails if a file
// that it copies from changes meanwhile.
func (g *gathering) copy(opts Options, to *os.File, src *graph.Source) error {
	todo, claims := g.segments, g.claims // both by file
	for i, from := range g.files {
		n := countFirst(todo, func(s segment) bool { return s.file == i })
		k := countFirst(claims, func(c claim) bool { return c.file == i })
		s := newSums(ranges(claims[:k]))
		if err := copySegments(opts.Context, to, src, from, todo[:n], s); err != nil {
			return fmt.Errorf("external data %q: %w", from.name, err)
		}
		for _, c := range claims[:k] {
			if sum, ok := s.get(c.Extent); ok && c.plain {
				opts.Digest.outside[c.tensor] = sum
			}
		}
		todo, claims = todo[n:], claims[k:]
	}
	return nil
}

// countFirst is how many elements at the beginning of list are so.
func countFirst[T any](list []T, so func(T) bool) int {
	if n := slices.IndexFunc(list, func(x T) bool { return !so(x) }); n >= 0 {
		return n
	}
	return len(list)
}

// ranges is what tensors refer to and a Digest takes as it lies in the file.
func ranges(claims []claim) []graph.Extent {
	var list []graph.Extent
	for _, c := range claims {
		if c.plain {
			list = append(list, c.Extent)
		}
	}
	return list
}

func copySegments(ctx context.Context, to *os.File, src *graph.Source, from dataFile, segments []segment, sums *sums) error {
	f, err := openExternal(src, from.name)
	if err != nil {
		return err
	}
	defer f.Close()
	t := newTaker(sums.add)
	for _, s := range segments {
		if err = t.copy(ctx, to, s.to, f, s.Extent, 0); err != nil {
			break
		}
	}
	if t.finish(); err != nil {
		return err
	}
	now, err := f.Stat()
	if err == nil && !(os.SameFile(now, from.info) && now.Size() == from.info.Size() && now.ModTime().Equal(from.info.ModTime())) {
		err = errors.New("changed while being copied")
	}
	return err
}

// The name of a file of external data is that of the model, some digits and
// dataSuffix.
const (
	dataDigits = 16
	dataSuffix = ".data"
)

// dataName is a name for external data of the model at path: its digits are
// those of a digest of the content, and of try.
func dataName(path string, content [sha256.Size]byte, try byte) string {
	sum := content[:dataDigits/2]
	sum[0] += try
	return dataPrefix(path) + hex.EncodeToString(sum) + dataSuffix
}

// dataPrefix is what the names begin with: the model's, or as much of it as
// leaves room for the rest.
func dataPrefix(path string) string {
	name := filepath.Base(path)
	return strings.ToValidUTF8(name[:min(len(name), 200)], "_") + "."
}

// isDataOf reports whether dataName gives the name to data of the model at path.
func isDataOf(name, path string) bool {
	return isData(name) && len(name) == len(dataPrefix(path))+dataDigits+len(dataSuffix) && strings.HasPrefix(name, dataPrefix(path))
}

// isData reports whether dataName gives the name to data of some model.
func isData(name string) bool {
	rest, ok := strings.CutSuffix(name, dataSuffix)
	at := len(rest) - dataDigits
	return ok && at > 1 && rest[at-1] == '.' && strings.Trim(rest[at:], "0123456789abcdef") == ""
}

// adoptSame is the file at path, if it has the bytes of f; else nil.
func adoptSame(path string, f *os.File) *draft.File {
	old, err := draft.Adopt(path)
	if err != nil {
		return nil
	}
	if !sameBytes(old.File, f) {
		old.Drop()
		return nil
	}
	return old
}

func sameBytes(a, b *os.File) bool {
	x, err := a.Stat()
	y, err2 := b.Stat()
	if err != nil || err2 != nil || x.Size() != y.Size() {
		return false
	}
	p, q := make([]byte, largeWindow), make([]byte, largeWindow)
	for off := int64(0); off < x.Size(); off += int64(len(p)) {
		n, _ := a.ReadAt(p, off)
		k, _ := b.ReadAt(q, off)
		if int64(n) != min(int64(len(p)), x.Size()-off) || !bytes.Equal(p[:n], q[:k]) {
			return false
		}
	}
	return true
}
