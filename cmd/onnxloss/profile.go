package main

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/urfave/cli/v2"
)

// profileDoc is a profile in JSON: the tables that flags select.
type profileDoc struct {
	Operators []profileRow `json:"operators,omitempty"`
	Nodes     []profileRow `json:"nodes,omitempty"`
}

// profileRow is a row of a table: all nodes of an operator, or one node.
type profileRow struct {
	Name   string  `json:"name"`
	Nodes  int     `json:"nodes"`
	MS     float64 `json:"ms"`
	Share  float64 `json:"share"`  // of the run's time, in [0, 1]
	GFLOPS float64 `json:"gflops"` // a second; 0 where arithmetic is not counted
	Bytes  int64   `json:"bytes"`
	GBPS   float64 `json:"gbps"` // a second
}

// profileOf is the part of a profile that flags select; nil for none.
func profileOf(c *cli.Context, prof *interp.Profile) *profileDoc {
	if prof == nil {
		return nil
	}
	var doc profileDoc
	if c.Bool("profile") {
		doc.Operators = profileRows(prof.ByOp())
	}
	if n := c.Int("profile-nodes"); n > 0 {
		nodes := prof.ByNode()
		doc.Nodes = profileRows(nodes[:min(n, len(nodes))])
	}
	if doc.Operators == nil && doc.Nodes == nil {
		return nil
	}
	return &doc
}

func profileRows(list []interp.OpTime) []profileRow {
	rows := []profileRow{}
	for _, r := range list {
		row := profileRow{Name: r.Op, Nodes: r.Nodes, MS: r.Time.Seconds() * 1e3, Share: r.Share, Bytes: r.Bytes, GBPS: r.GBPS()}
		if r.Work > 0 {
			row.GFLOPS = r.GFLOPS()
		}
		rows = append(rows, row)
	}
	return rows
}

// print writes the tables.
func (d *profileDoc) print(dst io.Writer) error {
	if d == nil {
		return nil
	}
	return cmp.Or(printProfile(dst, "operator", d.Operators), printProfile(dst, "node", d.Nodes))
}

// writeTrace writes the trace of the last run to the file of --trace, if given.
func writeTrace(c *cli.Context, title string, prof *interp.Profile) error {
	path := c.String("trace")
	if path == "" {
		return nil
	}
	return writeWhole(c, path, func(w io.Writer) error { return prof.WriteTrace(w, title) })
}

func printProfile(dst io.Writer, what string, rows []profileRow) error {
	if rows == nil {
		return nil
	}
	w := tabwriter.NewWriter(dst, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%s\tnodes\tms\tshare\tGFLOP/s\tMB\tGB/s\t\n", what)
	for _, r := range rows {
		flops := ""
		if r.GFLOPS > 0 {
			flops = fmt.Sprintf("%.1f", r.GFLOPS)
		}
		printf(w, "%s\t%d\t%.3f\t%.1f%%\t%s\t%.2f\t%.1f\t\n",
			r.Name, r.Nodes, r.MS, r.Share*100, flops, float64(r.Bytes)/1e6, r.GBPS)
	}
	return w.Flush()
}

// writeWhole writes a file, overwriting an existing one, through a draft beside it, so
// that it never exists in part.
func writeWhole(c *cli.Context, path string, write func(w io.Writer) error) error {
	if isStream(path) {
		if path == "-" {
			return write(c.App.Writer)
		}
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		return write(f)
	}
	err := onnx.Replace(path, true, func(f *os.File) error {
		w := bufio.NewWriter(f)
		return cmp.Or(write(w), w.Flush())
	})
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
