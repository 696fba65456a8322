// Package patterns finds the classification head of a model: the tensor that
// holds class logits, its class axis and channels, and what is known of it.
//
// Vocabulary. What runs of channels are for is found by package rule, whose
// patterns turn them into findings: the patterns are tried in the order of the
// list in locate.go, and the first that finds class channels decides. A head is
// a finding with its tensors. Its source is the last tensor that holds class
// logits alone, or where none does the last that holds them with others.
//
// Confidence is calibrated: of answers at 0.9 or more, 99 in 100 are to be
// right. Where two readings are about equally likely, Locate refuses.
//
// Invariants. Names of tensors, nodes and weights decide nothing but between
// parts that nothing else separates, and then the evidence says so. Of weights
// the biases of the last layers are read, and in a probe run what it needs. The
// same model gives the same report.
//
// Non-goals: changing the graph (package emit makes rows of a Layout), losses.
package patterns
