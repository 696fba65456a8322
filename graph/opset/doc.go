// Package opset raises the version of ONNX's operator set that a model is written in.
//
// What changes for an operator at a version is its row's business (op.Upgrades); here is
// what concerns the model: which nodes there are, in subgraphs and functions too, the
// order of versions, and the imports.
//
// Invariants. Values keep their names, and nodes theirs; nodes that no adapter concerns
// stay as they were. The model computes what it did. Operators of other domains, and
// versions below 7, are left alone.
//
// Non-goals: lower versions; proofs, which who writes the model makes by running both.
package opset
