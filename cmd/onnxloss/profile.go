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

// reportProfile prints what flags ask for of a profile, and writes its trace.
// The tables go to standard error where standard output is for JSON.
func reportProfile(c *cli.Context, title string, prof *interp.Profile) error {
	if prof == nil {
		return nil
	}
	dst := c.App.Writer
	if c.Bool("json") {
		dst = c.App.ErrWriter
	}
	if c.Bool("profile") {
		if err := printProfile(dst, "operator", prof.ByOp()); err != nil {
			return err
		}
	}
	if n := c.Int("profile-nodes"); n > 0 {
		nodes := prof.ByNode()
		if err := printProfile(dst, "node", nodes[:min(n, len(nodes))]); err != nil {
			return err
		}
	}
	if path := c.String("trace"); path != "" {
		return writeWhole(c, path, func(w io.Writer) error { return prof.WriteTrace(w, title) })
	}
	return nil
}

func printProfile(dst io.Writer, what string, rows []interp.OpTime) error {
	w := tabwriter.NewWriter(dst, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%s\tnodes\tms\tshare\tGFLOP/s\tMB\tGB/s\t\n", what)
	for _, r := range rows {
		flops := ""
		if r.Work > 0 {
			flops = fmt.Sprintf("%.1f", r.GFLOPS())
		}
		printf(w, "%s\t%d\t%.3f\t%.1f%%\t%s\t%.2f\t%.1f\t\n",
			r.Op, r.Nodes, r.Time.Seconds()*1e3, r.Share*100, flops, float64(r.Bytes)/1e6, r.GBPS())
	}
	return w.Flush()
}

// writeWhole writes a file, over what is there, by way of a draft beside it, so
// that no part of it is ever seen.
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
