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

// A Prover proves a training graph, draft, as it was read back from what was written,
// against the model that it was made of, read anew; original is nil where that was no
// file. Package verify has it (verify.Prover), which is above this package.
type Prover func(ctx context.Context, original, draft *graph.Model) error

// FileOptions say what File does.
type FileOptions struct {
	// Options say what is appended. File and Digest are set by File and Append.
	Options
	// Head says which head gets the loss.
	Head patterns.Options
	// Replace takes the loss off a training graph first, which is refused otherwise.
	Replace bool
	// Force overwrites the output if it exists; the input is never overwritten.
	Force bool
	// Prove proves the training graph before it gets its name. File wants it, or
	// Unproved.
	Prove    Prover
	Unproved bool
	// Read says how the input is read.
	Read onnx.ReadOptions
	// Data, if set, is called with the name and the size of the file that the weights
	// were written to that lie beside the model, if any do.
	Data func(name string, size int64)
}

// File is the whole way from a detector's file to that of its training graph: it reads
// in, finds the head, appends the loss, writes a draft, proves it, and gives it the name
// out. Where anything fails, nothing is left there, and the error says of which file it
// is. The error for a head that is not found or not certain is patterns.NotFoundError or
// patterns.AmbiguousError, for options that the loss or the head cannot serve
// *loss.OptionError, *NoObjectnessError or *NoDistributionError, for a failed proof the
// prover's.
func File(ctx context.Context, in, out string, o FileOptions) (*Manifest, error) {
	if o.Prove == nil && !o.Unproved {
		return nil, errors.New("nothing proves the training graph: give a prover (verify.Prover), or say Unproved")
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

// Training is a training graph that is made and not yet written.
type Training struct {
	// Model is the training graph.
	Model *graph.Model
	// Manifest is its manifest, whose digests are known once it is written.
	Manifest *Manifest
	// Heads are those that have the loss.
	Heads []*patterns.Head
	// Inlined is set where a head lies inside a function of the model, so that Model has
	// the functions' nodes in the place of their calls.
	Inlined bool
	// IR is the IR version of the model before, which functions may raise.
	IR int64
	// Replaced is the manifest of the loss that was taken off first; nil if none was.
	Replaced *Manifest

	ctx    context.Context
	digest *onnx.Digest
}

// Append makes a training graph of m: the part of File between reading and writing. It
// changes m, which is of no more use afterwards, and stays open until the training graph
// is written. Close what it gives.
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

// ErrNotTrained is the error of replacing the loss of a model that has none.
var ErrNotTrained = errors.New("is no training graph, whose loss could be replaced")

// replace takes the loss off, if it is asked to.
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

// Close lets go of what taking the digests holds; the model stays open.
func (t *Training) Close() {
	if t.digest != nil {
		t.digest.Close()
	}
}

// WriteFile writes the training graph to the file out, by a draft that o.Prove proves
// first, if it is set.
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

// prove proves the training graph as it was read back.
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

// Write writes the training graph to w, by way of a temporary file that o.Prove proves
// first, if it is set. Weights in other files stay where they are.
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
