package onnx

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// layOut makes folders, files and links: a path that ends in a slash is a folder,
// one with an arrow a link. Files with the name m are the small model with its
// weights in w, others the weights.
func layOut(t *testing.T, dir string, paths ...[2]string) {
	t.Helper()
	model := externalModel(t, t.TempDir(), "w", "", "")
	content := map[string][]byte{"w": {0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0}}
	var err error
	if content["m"], err = os.ReadFile(model); err != nil {
		t.Fatal(err)
	}
	for _, p := range paths {
		path := filepath.Join(dir, p[0])
		err := os.MkdirAll(filepath.Dir(path), 0o777)
		if err == nil && content[p[1]] != nil {
			err = os.WriteFile(path, content[p[1]], 0o666)
		} else if err == nil {
			err = os.Symlink(p[1], path)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestLinks: links of external data are followed into the folders that the
// user's own path leads to, and into those that the user named.
func TestLinks(t *testing.T) {
	for _, c := range []struct {
		name   string
		paths  [][2]string
		model  string
		follow string
		refuse bool
	}{
		{"hub cache", [][2]string{{"blobs/11", "m"}, {"blobs/22", "w"}, {"snap/a/m.onnx", "../../blobs/11"}, {"snap/a/w", "../../blobs/22"}}, "snap/a/m.onnx", "", false},
		{"link to a hub cache", [][2]string{{"blobs/11", "m"}, {"blobs/22", "w"}, {"snap/a/m.onnx", "../../blobs/11"}, {"snap/a/w", "../../blobs/22"}, {"my.onnx", "snap/a/m.onnx"}}, "my.onnx", "", false},
		{"link to a folder of a hub cache", [][2]string{{"blobs/11", "m"}, {"blobs/22", "w"}, {"snap/a/m.onnx", "../../blobs/11"}, {"snap/a/w", "../../blobs/22"}, {"now", "snap/a"}}, "now/m.onnx", "", false},
		{"link to a model", [][2]string{{"real/m.onnx", "m"}, {"real/w", "w"}, {"my.onnx", "real/m.onnx"}}, "my.onnx", "", false},
		{"link inside the folder", [][2]string{{"a/m.onnx", "m"}, {"a/sub/w", "w"}, {"a/w", "sub/w"}}, "a/m.onnx", "", false},
		{"link by way of the folder's parent", [][2]string{{"a/m.onnx", "m"}, {"a/real", "w"}, {"a/w", "../a/real"}}, "a/m.onnx", "", false},
		{"hub cache, data elsewhere", [][2]string{{"blobs/11", "m"}, {"other/22", "w"}, {"snap/a/m.onnx", "../../blobs/11"}, {"snap/a/w", "../../other/22"}}, "snap/a/m.onnx", "", true},
		{"hub cache, data elsewhere by way of the blobs", [][2]string{{"blobs/11", "m"}, {"other/22", "w"}, {"blobs/22", "../other/22"}, {"snap/a/m.onnx", "../../blobs/11"}, {"snap/a/w", "../../blobs/22"}}, "snap/a/m.onnx", "", true},
		{"a folder whose name begins alike", [][2]string{{"blobs/11", "m"}, {"blobs2/22", "w"}, {"snap/a/m.onnx", "../../blobs/11"}, {"snap/a/w", "../../blobs2/22"}}, "snap/a/m.onnx", "", true},
		{"a model that is no link", [][2]string{{"a/m.onnx", "m"}, {"blobs/22", "w"}, {"a/w", "../blobs/22"}}, "a/m.onnx", "", true},
		{"a folder that is a link", [][2]string{{"a/m.onnx", "m"}, {"blobs/22", "w"}, {"a/w", "../blobs/22"}, {"now", "a"}}, "now/m.onnx", "", true},
		{"allowed", [][2]string{{"a/m.onnx", "m"}, {"blobs/22", "w"}, {"a/w", "../blobs/22"}}, "a/m.onnx", "blobs", false},
		{"allowed by a link", [][2]string{{"a/m.onnx", "m"}, {"blobs/22", "w"}, {"a/w", "../blobs/22"}, {"b", "blobs"}}, "a/m.onnx", "b", false},
		{"another folder is allowed", [][2]string{{"a/m.onnx", "m"}, {"blobs/22", "w"}, {"a/w", "../blobs/22"}, {"b/w", "w"}}, "a/m.onnx", "b", true},
		{"out of what is allowed", [][2]string{{"a/m.onnx", "m"}, {"other/22", "w"}, {"blobs/22", "../other/22"}, {"a/w", "../blobs/22"}}, "a/m.onnx", "blobs", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			layOut(t, dir, c.paths...)
			opts := ReadOptions{}
			if c.follow != "" {
				opts.FollowLinks = []string{filepath.Join(dir, c.follow)}
			}
			load := func(m *graph.Model) {
				t.Helper()
				x, err := m.Graph.Value("w").Init.Load()
				var link *LinkError
				if c.refuse && (!errors.As(err, &link) || filepath.Base(link.Link) != "w") {
					t.Errorf("%v, want a LinkError", err)
				}
				if !c.refuse && (err != nil || tensor.Data[float32](x)[1] != -2) {
					t.Errorf("%v %v", x, err)
				}
			}
			m, err := opts.ReadFile(filepath.Join(dir, c.model))
			if err != nil {
				t.Fatal(err)
			}
			defer Close(m)
			load(m)
			t.Chdir(dir)
			relative, err := opts.ReadFile(c.model)
			if err != nil {
				t.Fatal(err)
			}
			defer Close(relative)
			load(relative)
			again, err := ReadLike(m, m.Source, m.Source.Size)
			if err != nil {
				t.Fatal(err)
			}
			load(again)
			if c.refuse {
				return
			}
			// What is written can be read without following links.
			for _, out := range []string{filepath.Join(filepath.Dir(c.model), "out.onnx"), t.TempDir() + "/out.onnx"} {
				if err := WriteFile(out, m, Options{}); err != nil {
					t.Fatal(err)
				}
				load(read(t, out))
			}
		})
	}
	if _, err := (ReadOptions{FollowLinks: []string{"nowhere"}}).ReadFile(smallFile(t)); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}
