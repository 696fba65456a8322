package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/onnxloss/onnxloss/graph/limits"
	"github.com/onnxloss/onnxloss/patterns"
	"github.com/urfave/cli/v2"
)

// savedHead is the JSON document of --save-head and --head-file.
type savedHead struct {
	Head patterns.HeadRecord `json:"head"`
}

// saveHead writes head h to a file.
func saveHead(c *cli.Context, out string, h *patterns.Head) error {
	x := savedHead{h.Record()}
	x.Head.Distributions = h.DistributionRecords()
	text, err := json.MarshalIndent(x, "", "  ")
	if err != nil {
		return err
	}
	if err := writeNew(c, out, append(text, '\n')); err != nil {
		return err
	}
	if out != "-" {
		note(c, "written   %s", out)
	}
	return nil
}

// readHead reads what saveHead wrote.
func readHead(path string) (*patterns.HeadRecord, error) {
	text, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	var x savedHead
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&x); err != nil {
		return nil, fmt.Errorf("%s: not a head written by inspect --save-head: %w", path, err)
	}
	if len(x.Head.Levels) == 0 {
		return nil, fmt.Errorf("%s: not a head written by inspect --save-head: it has no levels", path)
	}
	return &x.Head, nil
}

// readSmall reads a file of at most limits.List bytes.
func readSmall(path string) ([]byte, error) {
	if err := isFile(path); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, limits.List+1))
	if err == nil && len(text) > limits.List {
		err = fmt.Errorf("larger than %d MiB", limits.List>>20)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return text, nil
}
