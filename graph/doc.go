// Package graph is an ONNX model in memory: objects, not strings.
//
// Vocabulary. A Model holds one main Graph, model-local Functions and what
// else its file says. A Graph holds Nodes in an order in which they can run,
// and Values. A Value is one edge bundle: it has at most one producer (a Node),
// or is a graph input, an initializer, or both; it knows its uses, those in
// subgraphs too. Data is a constant that knows where its bytes lie and reads
// them when asked. An Attr is a node's attribute, subgraphs among them. A
// Shape has Dims that are numbers, names, or unknown.
//
// Lossless. Whatever was read keeps its Origin: the range of bytes it came
// from. Edits through this package's methods clear the Origin of exactly what
// they change, and the writer copies everything that still has one.
//
// Invariants, held by Check:
//
//  1. Every Value has at most one producer, which lists it at that output index.
//  2. Every use (node, index) of a Value names a node whose input at that index
//     is the Value, and every input of every node is among its Value's uses.
//  3. A Value's name is not empty and stands for that Value alone in its graph
//     and the graphs around it, as far as it is visible there.
//  4. Nodes are ordered: a node's inputs, and what its subgraphs capture, are
//     produced before it.
//  5. An input of a node comes from its own graph or a graph around it.
//  6. Graph outputs are values that exist in the graph; inputs and initializers
//     have no producer.
//
// Non-goals: the file format (package onnx), the text form (package text), what
// operators mean (package op), derivatives (package grad).
package graph
