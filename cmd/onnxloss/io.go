package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/graph/tensor/npy"
	"github.com/onnxloss/onnxloss/graph/visible"
	"github.com/urfave/cli/v2"
)

var (
	jsonFlag    = &cli.BoolFlag{Name: "json", Usage: "print one JSON document, and nothing else, on standard output"}
	quietFlag   = &cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print only errors and requested output"}
	dtypeFlag   = &cli.StringFlag{Name: "dtype", Value: "float32", Usage: "compute float32 graphs in `TYPE`: float32 or float64"}
	linksFlag   = &cli.StringSliceFlag{Name: "follow-links", Usage: "follow links to weights in `DIR`; links into folders that MODEL's own path goes through are always followed"}
	memoryFlag  = &cli.StringFlag{Name: "max-memory", Usage: "fail rather than use more than `SIZE` of memory for weights, inputs and intermediates, as in 512MB or 2GiB (default three quarters of the machine's or container's memory)"}
	threadsFlag = &cli.IntFlag{Name: "threads", Usage: "use at most `N` cores; 0 uses all"}
)

// readModel reads the model at path, or on standard input if path is -, and
// checks that its versions are supported.
func readModel(c *cli.Context, path string) (*graph.Model, error) {
	m, err := openModel(c, path)
	if err != nil {
		return nil, err
	}
	if err := onnx.CheckVersions(m); err != nil {
		m.Close()
		if path == "-" {
			err = fmt.Errorf("%s: %w", title(path), err)
		}
		return nil, err
	}
	return m, nil
}

// readWhole is readModel for commands that run the model: it refuses one that
// no runtime would load.
func readWhole(c *cli.Context, path string) (*graph.Model, error) {
	m, err := readModel(c, path)
	if err != nil {
		return nil, err
	}
	if err := emit.CheckModel(m); err != nil {
		m.Close()
		return nil, fmt.Errorf("%s: %w", title(path), err)
	}
	return m, nil
}

func openModel(c *cli.Context, path string) (*graph.Model, error) {
	// Nearly everything that reading allocates is kept, so collecting early costs little.
	defer debug.SetGCPercent(debug.SetGCPercent(40))
	if path == "-" {
		return onnx.Read(c.App.Reader)
	}
	return onnx.ReadOptions{FollowLinks: c.StringSlice(linksFlag.Name)}.ReadFile(path)
}

// title is a model's path in messages.
func title(path string) string {
	if path == "-" {
		return "standard input"
	}
	return path
}

// printJSON writes x, indented, to standard output.
func printJSON(c *cli.Context, x any) error { return encodeJSON(c.App.Writer, x) }

// encodeJSON writes x with invisible characters escaped.
func encodeJSON(w io.Writer, x any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(x); err != nil {
		return err
	}
	_, err := w.Write(visible.JSON(b.Bytes()))
	return err
}

// readTensor reads a tensor from a file: the only one of a .npy or .pb, and of a .npz the
// one called name, or its only one.
func readTensor(path, name string, t graph.Type) (*tensor.Tensor, error) {
	if err := isFile(path); err != nil {
		return nil, err
	}
	switch strings.ToLower(filepath.Ext(path)) {
	case ".npy":
		return npy.ReadFile(path)
	case ".npz":
		return readEntry(path, name)
	case ".pb":
		return onnx.ReadValue(path, t)
	}
	return nil, fmt.Errorf("%s: unrecognised file type; expected .npy, .npz or .pb", path)
}

// isFile fails if path is a device or a pipe, because these may never end.
func isFile(path string) error {
	st, err := os.Stat(path)
	if err == nil && !st.Mode().IsRegular() {
		err = fmt.Errorf("%s: not a regular file", path)
	}
	return err
}

func readEntry(path, name string) (*tensor.Tensor, error) {
	a, err := npy.OpenArchive(path)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	names := a.Names()
	if len(names) == 1 {
		name = names[0]
	}
	x, err := a.Read(name)
	if err == nil && x == nil {
		err = fmt.Errorf("%s: has no array %q", path, name)
	}
	return x, err
}
