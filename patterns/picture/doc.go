// Package picture draws the neighbourhood of a head: its branches, the way of
// the class logits to the outputs, and what joins them, with the roles in
// colour. SVG is the picture alone; HTML is a page with it that needs nothing
// else, neither files nor the network.
//
// Where blocks and edges lie is computed here, in layers (layered.go): no Go library
// that does it is kept up, Graphviz's bindings bring a WebAssembly of 10 MB, and dagre
// a JavaScript engine of the same size.
//
// Invariants. The same excerpt gives the same bytes. Whatever names a model
// has, a picture is well-formed XML of bounded size, and none of them becomes
// markup or script.
//
// Non-goals: what is drawn (patterns.Excerpt bounds it), drawing whole models.
package picture
