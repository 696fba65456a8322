// Package rule finds what runs of channels are for: which are class logits,
// which boxes, which something else.
//
// Vocabulary. A Scene is a model being searched, a Part a run of channels that
// ends a network: what enters a sigmoid or softmax, or leaves the graph raw. Its
// Role (class, box, objectness, hidden, …) is weighed from the marks that package
// match collected; weights.go is the table of what each mark says for a role, to
// be read and argued with. A Finding is parts that belong together as the levels
// of one head.
//
// Invariants. Names of tensors, nodes and weights decide nothing but between
// parts that nothing else separates, and then the evidence says so.
//
// Non-goals: which tensors of the model a head is reported as (package
// patterns), the channels' ways through the graph (package match).
package rule
