package onnx

import (
	"os"
	"path/filepath"
	"syscall"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/onnx/internal/draft"
)

// ownData is the files of external data that the model at path has of its own,
// by their names: those that would go with it if nothing else used them.
func ownData(path string) []*draft.File {
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	names, _ := refersTo(path)
	var own []*draft.File
	for name := range names {
		if !isDataOf(name, path) {
			continue
		}
		if f, err := draft.Doom(filepath.Join(filepath.Dir(path), name)); err == nil {
			own = append(own, f)
		}
	}
	return own
}

func release(files []*draft.File) {
	for _, f := range files {
		f.Release(inUse)
	}
}

// maxLooked is in how many files of a folder is looked for references.
const maxLooked = 4096

// inUse reports whether the file at path must stay: a model in its folder refers
// to it, or may do so, or it was not made for external data.
func inUse(path string) bool {
	dir := filepath.Dir(path)
	info, err := os.Lstat(path)
	if err != nil || !isData(filepath.Base(path)) {
		return true
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > maxLooked {
		return true
	}
	for _, e := range entries {
		if draft.Is(e.Name()) {
			continue // its own process holds what it refers to
		}
		names, known := refersTo(filepath.Join(dir, e.Name()))
		if !known {
			return true
		}
		for name := range names {
			if other, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name))); err == nil && os.SameFile(info, other) {
				return true
			}
		}
	}
	return false
}

// refersTo is the names of the external data of the model at path; none if that
// is no model. It reports whether they are all that there are.
func refersTo(path string) (names map[string]bool, known bool) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > MaxSize {
		return nil, true
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, false
	}
	defer f.Close()
	names, model := map[string]bool{}, false
	w := newWire(f, info.Size())
	err = w.each(graph.Extent{Len: info.Size()}, func(r field) error {
		s, ok := modelShape[r.num]
		if !ok || r.typ != protowire.BytesType {
			return nil
		}
		model = true
		return w.external(r.body, s, 0, func(t *tensorMessage) error {
			for _, p := range t.head.ExternalData {
				if p.GetKey() == "location" {
					names[p.GetValue()] = true
				}
			}
			return nil
		})
	})
	return names, err == nil || !model
}
