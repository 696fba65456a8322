// Package verify proves training graphs: that the original network is
// unchanged, that the canonical logits are the head's, and that loss and
// gradient equal their closed forms.
//
// Vocabulary. A Check is one comparison with its figures: how many values, the
// worst error and where, and the limit. A term is one loss of one head. The
// oracle is the closed form of package loss, which shares no code with the
// graphs that package emits.
//
// Invariants. Checks rely on the file, its manifest and, if given, the original,
// never on the code that emitted the graph. A check that could not run is reported
// as not run, never as passed or failed, and the verdict says so; a broken model is
// an error, without a verdict.
//
// Non-goals: proofs about the runtime used for training; the speed of the graph.
package verify
