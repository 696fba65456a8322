// Package symbol calculates with sizes of which some are names: the dimensions
// and the elements of shapes that shape inference knows before a run.
//
// Formulas have one normal form, a polynomial in names and floors of quotients,
// so that equal sizes have equal text. What would be too large to write, or
// overflows, is unknown.
package symbol
