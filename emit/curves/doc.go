// Package curves draws losses as the papers on focal losses do: loss and
// gradient over the probability p of a class, for a class that is true (positive,
// q = 1) and for one that is not (negative, q = 0).
//
// Vocabulary. The drawn class has the logit z and the probability p. A loss over
// sigmoids is drawn for one class. A loss over a softmax is drawn along a slice:
// some number of classes, of which all but the drawn one have the same logit, so
// that they share 1 − p; in the negative panels one of those is true, the last,
// which is the background where a loss wants one. A loss that looks at the batch
// as a whole is drawn for an anchor beside a positive one with logits of 0. The
// gradient is |dL/dz| by the logit of the drawn class.
//
// Invariants. Values are the float64 closed forms of package loss. The same
// curves give the same bytes.
//
// Non-goals: interactive pictures, data of a model (package compare has that).
package curves
