// Package class has the losses of class logits, one a file, which registers itself with
// package loss: its name, equation and source, the graph that it builds, and its closed
// form in float64. What the two share is their names: the closed form is written down
// anew, from the equation.
//
// A new loss is one more file here. Golden values of it go to testdata of package loss,
// whose tests range over the table.
package class
