// Package verify proves training graphs: that the original network is
// untouched, that the canonical logits are the head's, and that loss and
// gradient are those of the closed form.
//
// Vocabulary. A Check is one comparison with its figures: how many values, the
// worst error and where, and the limit. A term is one loss of one head. The
// oracle is the closed form of package loss, which shares no code with the
// graphs that package emits.
//
// Invariants. Nothing that emitted the graph is asked what it emitted: checks
// rest on the file, the manifest in it, and where at hand the original. A check
// that could not be made is reported as not run, never as passed or failed, and
// the verdict says so; a model that is broken is an error, without a verdict.
//
// Non-goals: proofs about the runtime that will train; speed of the graph.
package verify
