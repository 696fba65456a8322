package emit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/patterns"
)

// A Prover proves a training graph, draft, as read back from what was written, against the
// model it was made from, read anew; original is nil if that was not a file. See
// verify.Prover.
type Prover func(ctx context.Context, original, draft *graph.Model) error

// FileOptions are the options of File.
type FileOptions struct {
	// Options select what is appended. File and Append set their File and Digest.
	Options
	// Head selects the head that gets the loss.
	Head patterns.Options
	// Replace first removes the loss of a training graph, which is refused otherwise.
	Replace bool
	// Force overwrites the output if it exists; the input is never overwritten.
	Force bool
	// Prove proves the training graph before it gets its final name. File requires it, or
	// Unproved.
	Prove    Prover
	Unproved bool
	// Read are the options for reading the input.
	Read onnx.ReadOptions
	// Data, if set, is called with the name and size of the external data file, if one
	// was written.
	Data func(name string, size int64)
}

// File makes a training graph from a detector: it reads in, finds the head, appends the
// loss, writes a draft, proves it, and renames it to out. If anything fails, out is left as
// it was, and the error names the file it is about. It is a *patterns.NotFoundError or
// *patterns.AmbiguousError if no head or no single best head is found, a *loss.OptionError,
// *NoObjectnessError or *NoDistributionError if loss and head do not fit the options, and
// the prover's error if the proof fails.
func File(ctx context.Context, in, out string, o FileOptions) (*Manifest, error) {
	if o.Prove == nil && !o.Unproved {
		return nil, errors.New("no prover for the training graph: set Prove (see verify.Prover) or Unproved")
	}
	m, err := o.Read.ReadFile(in)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	if err := CheckModel(m); err != nil {
		return nil, fmt.Errorf("%s: %w", in, err)
	}
	o.Options.File = filepath.Base(in)
	t, err := Append(ctx, m, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in, err)
	}
	defer t.Close()
	if err := t.WriteFile(out, o); err != nil {
		return nil, err
	}
	return t.Manifest, nil
}

// Training is a training graph not yet written.
type Training struct {
	// Model is the training graph.
	Model *graph.Model
	// Manifest is its manifest; its digests are known once the graph is written.
	Manifest *Manifest
	// Heads are the heads with a loss.
	Heads []*patterns.Head
	// Inlined is set if the functions of the model were inlined because a head is inside
	// one.
	Inlined bool
	// IR is the model's IR version before Append; functions may have raised it.
	IR int64
	// Replaced is the manifest of the loss that was removed first; nil if none was.
	Replaced *Manifest

	ctx    context.Context
	digest *onnx.Digest
}

// Append turns m into a training graph: the part of File between reading and writing. It
// takes over m, which must stay open until the training graph is written. Close the result.
func Append(ctx context.Context, m *graph.Model, o FileOptions) (*Training, error) {
	t := &Training{Model: m, ctx: ctx}
	if err := t.replace(o.Replace); err != nil {
		return nil, err
	}
	if m.Source != nil {
		t.digest = onnx.NewDigest(ctx, m)
		o.Digest = t.digest
	}
	err := t.rewrite(o)
	if err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

// ErrNotTrained is the error of replacing the loss of a model without one.
var ErrNotTrained = errors.New("not a training graph: there is no loss to replace")

// replace removes the loss, if requested.
func (t *Training) replace(asked bool) error {
	if _, trained := t.Model.Meta(ManifestKey); !asked {
		return refuseTrained(t.Model)
	} else if !trained {
		return ErrNotTrained
	}
	var err error
	t.Replaced, err = Strip(t.Model)
	return err
}

func (t *Training) rewrite(o FileOptions) error {
	found, err := patterns.Locate(t.Model, o.Head)
	if err != nil {
		return err
	}
	t.Heads = found.Heads
	if o.Head.Head != "all" {
		t.Heads = t.Heads[:1]
	}
	t.Model, t.Inlined, t.IR = found.Model, found.Model != t.Model, found.Model.IR
	t.Manifest, err = Rewrite(t.Model, t.Heads, o.Options)
	return err
}

// Close releases the resources of digesting; the model stays open.
func (t *Training) Close() {
	if t.digest != nil {
		t.digest.Close()
	}
}

// WriteFile writes the training graph to the file out, through a draft that o.Prove, if
// set, proves first.
func (t *Training) WriteFile(out string, o FileOptions) error {
	return onnx.WriteFile(out, t.Model, onnx.Options{
		Context: t.ctx, Digest: t.digest, Force: o.Force, Data: o.Data,
		Check: func(path string) error {
			if o.Prove == nil {
				return t.ctx.Err()
			}
			draft, err := onnx.ReadFile(path)
			if err != nil {
				return err
			}
			defer draft.Close()
			return t.prove(draft, o.Prove)
		},
	})
}

// prove proves the training graph as read back.
func (t *Training) prove(draft *graph.Model, prove Prover) error {
	var original *graph.Model
	if s := t.Model.Source; s != nil {
		var err error
		if original, err = onnx.ReadLike(t.Model, s.ReaderAt, s.Size); err != nil {
			return err
		}
	}
	return cmp.Or(prove(t.ctx, original, draft), t.ctx.Err())
}

// Write writes the training graph to w, through a temporary file that o.Prove, if set,
// proves first. Weights in other files stay where they are.
func (t *Training) Write(w io.Writer, o FileOptions) error {
	f, err := os.CreateTemp("", "onnxloss")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // where an open file cannot be removed
	defer f.Close()
	os.Remove(f.Name())
	if err := onnx.WriteContext(t.ctx, f, t.Model, t.digest); err != nil {
		return err
	}
	size, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	if o.Prove != nil {
		draft, err := onnx.ReadLike(t.Model, f, size)
		if err != nil {
			return err
		}
		if err := t.prove(draft, o.Prove); err != nil {
			return err
		}
	}
	_, err = io.Copy(w, io.NewSectionReader(f, 0, size))
	return err
}
