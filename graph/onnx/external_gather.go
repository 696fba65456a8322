package onnx

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// gathering is the external data that goes with a model to another folder: the
// ranges that its tensors refer to, one behind the other in one file.
type gathering struct {
	files    []dataFile
	segments []segment
	size     int64
	refs     references
	claims   []claim
}

// references says where the elements of tensors lie, by the tensors' places in
// the model's file.
type references map[graph.Extent]reference

// dataFile is a file that is copied from, under one of the names that the model
// has for it.
type dataFile struct {
	name string
	info fs.FileInfo
}

// segment is bytes of a file, and where they go.
type segment struct {
	graph.Extent
	file int
	to   int64
}

// claim is a tensor's range of a file.
type claim struct {
	graph.Extent
	file   int
	tensor graph.Extent
	plain  bool // its elements are in memory as in the file
}

// gather plans what goes with m to folder dir. It is nil if nothing does: there
// is no external data, or it is in that folder already. What is there as a link
// out of the folder goes, too, since the link would not be followed there.
func gather(m *graph.Model, dir string) (*gathering, error) {
	all := outside(m)
	if len(all) == 0 || m.Source.Path == "" {
		return nil, nil
	}
	here, err := sameFolder(filepath.Dir(m.Source.Path), dir)
	if err != nil {
		return nil, err
	}
	g := &gathering{refs: references{}}
	byName, bySize, goes := map[string]int{}, map[int64][]int{}, map[string]bool{}
	err = eachOutside(m.Source, all, func(t *tensorMessage) error {
		if name := entry(t.head.ExternalData, "location"); here {
			if _, ok := goes[name]; !ok {
				goes[name] = isElsewhere(m.Source, name, dir)
			}
			if !goes[name] {
				return nil
			}
		}
		c, err := g.claim(m.Source, t, byName, bySize)
		if err != nil {
			return fmt.Errorf("tensor %q: %w", t.head.GetName(), err)
		}
		g.claims = append(g.claims, c)
		return nil
	})
	if err != nil || len(g.claims) == 0 {
		return nil, err
	}
	g.lay(g.claims)
	return g, nil
}

// isElsewhere reports whether the file that src has under the name is there, and
// is not what a model in dir has under that name.
func isElsewhere(src *graph.Source, name, dir string) bool {
	f, err := openExternal(src, name)
	if err != nil {
		return false
	}
	defer f.Close()
	g, err := (&folders{beside: []string{dir}}).open(name)
	if err != nil {
		return true
	}
	defer g.Close()
	a, err := f.Stat()
	b, err2 := g.Stat()
	return err == nil && err2 == nil && !os.SameFile(a, b)
}

func sameFolder(a, b string) (bool, error) {
	x, err := os.Stat(a)
	if err != nil {
		return false, err
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y), err
}

// claim is the range that t refers to, which the file must have.
func (g *gathering) claim(src *graph.Source, t *tensorMessage, byName map[string]int, bySize map[int64][]int) (claim, error) {
	c := claim{tensor: t.at}
	r, err := t.reference()
	if err != nil {
		return c, err
	}
	i, ok := byName[r.location]
	if !ok {
		if i, err = g.file(src, r.location, bySize); err != nil {
			return c, err
		}
		byName[r.location] = i
	}
	if err := r.inside(g.files[i].info.Size()); err != nil {
		return c, err
	}
	if want := rawSize(t.dtype(), t.count); r.Len != want || t.dtype() == tensor.String || !t.dtype().Valid() {
		return c, fmt.Errorf("external data %q: %d bytes, want %d for %v%v", r.location, r.Len, want, t.dtype(), t.dims)
	}
	c.Extent, c.file, c.plain = r.Extent, i, t.plain()
	return c, nil
}

// file is the index in g.files of the file that src has under the name.
func (g *gathering) file(src *graph.Source, name string, bySize map[int64][]int) (int, error) {
	f, err := openExternal(src, name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	for _, i := range bySize[info.Size()] {
		if os.SameFile(g.files[i].info, info) {
			return i, nil
		}
	}
	i := len(g.files)
	bySize[info.Size()] = append(bySize[info.Size()], i)
	g.files = append(g.files, dataFile{name, info})
	return i, nil
}

// Where segments begin: large ones on a page, so that they can be mapped; small
// ones, of which there may be very many, with little between them.
const (
	page      = 4096
	alignment = 64
)

// lay gives every range its place. Ranges that overlap become one segment: no
// more is written than the files have, and tensors share what they shared.
func (g *gathering) lay(claims []claim) {
	slices.SortFunc(claims, func(a, b claim) int {
		return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.Off, b.Off), cmp.Compare(a.Len, b.Len))
	})
	for i := 0; i < len(claims); {
		s, j := segment{Extent: claims[i].Extent, file: claims[i].file}, i+1
		for ; j < len(claims) && claims[j].file == s.file && claims[j].Off < s.Off+s.Len; j++ {
			s.Len = max(s.Len, claims[j].Off+claims[j].Len-s.Off)
		}
		step := int64(alignment)
		if s.Len >= page {
			step = page
		}
		s.to = (g.size + step - 1) / step * step
		for _, c := range claims[i:j] {
			g.refs[c.tensor] = reference{Extent: graph.Extent{Off: s.to + c.Off - s.Off, Len: c.Len}}
		}
		if s.Len > 0 {
			g.segments = append(g.segments, s)
			g.size = s.to + s.Len
		}
		i = j
	}
}
