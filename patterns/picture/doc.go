// Package picture draws the neighbourhood of a head: its branches, the way of
// the class logits to the outputs, and what joins them, with the roles in
// colour. SVG is the picture alone; HTML is a page with it that needs nothing
// else, neither files nor the network.
//
// Where blocks and edges lie is computed by dagre (npm package @dagrejs/dagre
// 3.1.3, MIT, in folder dagre), which runs in a JavaScript interpreter (goja)
// that is set up when the first picture is drawn. The Go bindings of Graphviz
// were no choice: they start their WebAssembly, and read machine code from a
// folder that anybody may write to, whenever the program starts.
//
// Invariants. The same excerpt gives the same bytes. Whatever names a model
// has, a picture is well-formed XML of bounded size, and none of them becomes
// markup or script.
//
// Non-goals: what is drawn (patterns.Excerpt bounds it), drawing whole models.
package picture
