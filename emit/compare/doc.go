// Package compare evaluates several losses on the logits of one batch and shows which
// anchors, and which classes of an anchor, the value and the gradient of each come from.
//
// Vocabulary. An anchor is positive if a class other than the background has a
// target above 0, otherwise negative; it is hard if p_t, the probability that the
// head assigns to the truth (Batch.Truth), is below 0.5. Together these form four
// groups. The gradient norm of an anchor is the 2-norm of the derivative of the
// reduced loss with respect to its logits; that of a group is the sum over its
// anchors, so that shares sum to 1 (as in GHM, Li et al., arXiv 1811.05181,
// section 3). The charge of a class is the part of the loss due to its term: a
// softmax loss without a negative term charges only the target's class, and
// reaches the others through the softmax.
//
// Invariants. Groups depend on the batch and the head, never on a loss, so they are
// the same for all losses. Values and gradients are the float64 closed forms of
// package loss.
//
// Non-goals: running the network, printing.
package compare
