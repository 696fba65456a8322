package verify

import (
	"context"

	"github.com/onnxloss/onnxloss/graph"
)

// Prover proves the training graphs that package emit makes: p.Prove is an emit.Prover.
type Prover struct {
	// Options are the options of the proof; Prove sets Original.
	Options
	// Report is the report of the last proof.
	Report *Report
}

// Prove proves draft, made from original; errors are those of Training.
func (p *Prover) Prove(ctx context.Context, original, draft *graph.Model) (err error) {
	o := p.Options
	o.Original = original
	p.Report, err = Training(ctx, draft, o)
	return err
}
