// Package patterns finds the classification head of a model: the tensor that
// holds class logits, its class axis and channels, and what is known of it.
//
// Vocabulary. A part is a run of channels that ends a network: what enters a
// sigmoid or softmax, or leaves the graph raw. Its role (class, box,
// objectness, hidden) is weighed from the marks that package match collected;
// weights.go is the table of what each mark says for a role, to be read and
// argued with. A pattern turns parts into candidates; the patterns are tried
// in the order of the list in locate.go, and the first that finds class parts
// decides. A head is candidates that belong together as levels. Its source is
// the last tensor that holds class logits alone, or where none does the last
// that holds them with others.
//
// Confidence is calibrated: of answers at 0.9 or more, 99 in 100 are to be
// right. Where two readings are about equally likely, Locate refuses.
//
// Invariants. Names of tensors, nodes and weights decide nothing but between
// parts that nothing else separates, and then the evidence says so. Weights
// are not read. The same model gives the same report.
//
// Non-goals: changing the graph (package emit makes rows of a Layout), losses.
package patterns
