// Package emit appends a loss to a classification head: it joins the head's
// levels into one canonical tensor, appends the training subgraph, describes
// what it added in a manifest, and leaves the rest of the model unchanged.
//
// Vocabulary. The canonical logits [N, A, C] have one row for each anchor,
// cell, region or query: levels in graph order, then rows, columns, anchors.
// The manifest is the JSON contract with trainers, kept in the model's
// metadata. A form is how much is appended: the loss alone, or more of the
// training step. A loss is appended as nodes, or as a call of a model-local
// function (Options.AsFunction) whose body is those nodes.
//
// Invariants. No node, weight or output of the original model changes, and neither
// does its opset: the appended operators are those of that opset. New nodes come
// after the old ones. The same model and options give the same bytes.
//
// The entry point is File: it turns the file of a detector into that of a training graph,
// proved before it is written. Its parts are Append and Training.Write. The prover is passed
// in, because package verify imports this one: what emits a graph never proves it.
//
// Non-goals: finding the head (package patterns), the losses' formulas (package
// emit/loss), proving the result (package emit/verify).
package emit
