// Package compare runs several losses on the logits of one batch and shows what
// each makes of it: which anchors, and which classes of an anchor, its value and
// its gradient come from.
//
// Vocabulary. An anchor is positive if a class other than the background has a
// target above 0, else negative; it is hard if p_t < 0.5, the probability that
// the head gives to what is true (Batch.Truth). Groups are the four that these
// make. The gradient norm of an anchor is the 2-norm of the derivative of the
// reduced loss by its logits, that of a group the sum over its anchors, so that
// shares add up (as in GHM, Li et al., arXiv 1811.05181, section 3). The charge
// of a class is the part of the loss that its term makes up: a softmax loss with
// no negative term charges the target's class alone, and reaches the others
// through the softmax.
//
// Invariants. Groups rest on the batch and the head, never on a loss, so that
// all losses are shown over the same. Values and gradients are the float64 closed
// forms of package loss.
//
// Non-goals: running the network, printing.
package compare
