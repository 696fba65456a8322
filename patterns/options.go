package patterns

import "fmt"

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

// unlike reports whether the user says that h is not the head.
func (s *site) unlike(h *finding) bool {
	reason := ""
	switch {
	case !s.opts.fits(h.Classes, h.Background):
		reason = fmt.Sprintf("it has %d classes, not %d", h.Classes, s.opts.Classes)
	case s.opts.Activation != "" && h.Activation != s.opts.Activation:
		reason = fmt.Sprintf("it has activation %s, not %s", h.Activation, s.opts.Activation)
	default:
		return false
	}
	for _, p := range h.parts {
		p.rejected = reason
	}
	return true
}

// fits reports whether a head of so many classes may be the one that the user wants; its
// background, -1 where it has none, may be counted or not.
func (o *Options) fits(classes, background int) bool {
	return o.Classes == 0 || classes == o.Classes || background >= 0 && classes == o.Classes+1
}

// may reports whether, for all that the user says, n channels of activation
// act may be classes of one anchor or several.
func (s *site) may(n int64, act Activation) bool {
	if a := s.opts.Activation; a != "" && act != a && act != None {
		return false
	}
	c := int64(s.opts.Classes)
	return c == 0 || n > 0 && (n%c == 0 || n%(c+1) == 0)
}

// ofUser is the number of class channels of an anchor among n, where the user
// says how many classes there are and n has several times as many; else 0.
func (s *site) ofUser(n int64) int64 {
	if c := int64(s.opts.Classes); c > 0 && n > c && n%c == 0 {
		return c
	}
	return 0
}
