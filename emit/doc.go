// Package emit joins a classification head to a loss: it turns the head's
// levels into one canonical tensor, appends the training subgraph, names what
// it added in a manifest, and leaves everything else of the model as it was.
//
// Vocabulary. The canonical logits [N, A, C] have one row for each anchor,
// cell, region or query: levels in graph order, then rows, columns, anchors.
// The manifest is the JSON contract with trainers, kept in the model's
// metadata. A form is how much is appended: the loss alone, or more of the
// training step. A loss is appended as nodes, or as a call of a function of the
// model (Options.AsFunction), whose body is those nodes.
//
// Invariants. No node, weight or output of the original model changes, and its
// opset stays: what is appended is written in the forms that the opset has. New
// nodes lie behind the old ones. The same model and options give the same bytes.
//
// The front door is File: from the file of a detector to that of its training graph, which
// is proved first. Its parts are Append and Training.Write. The prover is package verify,
// which rests on this package and so is given: the one that emits is never the one that
// proves.
//
// Non-goals: finding the head (package patterns), the losses' formulas (package
// emit/loss), proving the result (package emit/verify).
package emit
