// Package curves plots losses as papers on focal losses do: loss and gradient over the
// probability p of a class, for the true class (positive, q = 1) and for one that is not
// (negative, q = 0).
//
// Vocabulary. The plotted class has logit z and probability p. A loss over
// sigmoids is plotted for one class. A loss over a softmax is plotted along a slice:
// several classes, of which all but the plotted one have the same logit, so that
// they share 1 − p; in the negative panels the last of those is true, and is the
// background class if a loss needs one. A loss of the batch as a whole is plotted
// for an anchor next to a positive one with logits of 0. The gradient is |dL/dz|
// with respect to the logit of the plotted class.
//
// Invariants. Values are the float64 closed forms of package loss. The same
// curves give the same bytes.
//
// Non-goals: interactive plots; the data of a model (see package compare).
package curves
