// Package box has the losses of boxes, one a file, which registers itself with package
// loss.
package box
