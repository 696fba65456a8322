// Package grad differentiates a graph in reverse mode, by the gradient rules of
// the operator table (package op).
//
// A rule sees one node. What concerns more than one lives here, once: which
// values depend on those to differentiate by, so that nothing else is built;
// adding up the adjoints that several readers of a value contribute; summing
// an adjoint over the axes along which its operand was broadcast; and the scope
// "grad/" of the names.
//
// Nothing is differentiated through integers and booleans. The pass appends
// nodes and changes none.
package grad
