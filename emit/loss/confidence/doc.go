// Package confidence has the losses of the objectness or confidence logit, one a file,
// which registers itself with package loss.
package confidence
