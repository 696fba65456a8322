package patterns

import (
	"fmt"

	"github.com/onnxloss/onnxloss/patterns/rule"
)

// check holds that the user's decisions are possible ones.
func (o *Options) check() error {
	switch o.Activation {
	case "", None, Sigmoid, Softmax:
	default:
		return fmt.Errorf("activation %q is none of %s, %s and %s", o.Activation, Sigmoid, Softmax, None)
	}
	if o.Classes < 0 {
		return fmt.Errorf("%d classes are fewer than none", o.Classes)
	}
	return nil
}

// user is what o decides on all heads.
func (o *Options) user() rule.User { return rule.User{Classes: o.Classes, Activation: o.Activation} }

// wants reports whether r may be asked.
func (o *Options) wants(r *rule.Rule) bool { return true }
