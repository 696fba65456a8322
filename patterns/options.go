package patterns

import (
	"fmt"
	"slices"

	"github.com/onnxloss/onnxloss/patterns/rule"
)

// check holds that the user's decisions are possible ones.
func (o *Options) check() error {
	switch o.Activation {
	case "", None, Sigmoid, Softmax:
	default:
		return fmt.Errorf("activation %q is none of %s, %s and %s", o.Activation, Sigmoid, Softmax, None)
	}
	for _, e := range o.Evidence {
		if !slices.Contains(rule.Places, e) {
			return fmt.Errorf("evidence %q is none of %v", e, rule.Places)
		}
	}
	if k := o.Slice; k != nil {
		switch {
		case o.Head == "":
			return fmt.Errorf("slice %v of no named tensor", k)
		case k.Start < 0 || k.Stop <= k.Start || k.Stride != 0 && k.Stride < k.Stop:
			return fmt.Errorf("slice %v is empty, or longer than its stride", k)
		}
	}
	if o.Classes < 0 {
		return fmt.Errorf("%d classes are fewer than none", o.Classes)
	}
	return nil
}

// user is what o decides on all heads.
func (o *Options) user() rule.User { return rule.User{Classes: o.Classes, Activation: o.Activation} }

// reads reports whether evidence is looked for in a place.
func (o *Options) reads(place Evidence) bool {
	return place == rule.Graph || o.Evidence == nil || slices.Contains(o.Evidence, place)
}
