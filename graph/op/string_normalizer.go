package op

import (
	"slices"
	"strings"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(&Op{
		Name: "StringNormalizer", Equation: "y = x without the stop words, in lower or upper case", Versions: []int64{10},
		Flow: flow.Flow{Pass: flow.Untraced}, In: Arity{1, 1}, Out: Arity{1, 1}, NoGrad: noTextGrad, Infer: inferNormalizer, Kernel: makeNormalizer,
	})
}

func inferNormalizer(c *Infer) error {
	s := c.Input(0).Shape
	if len(s) > 0 {
		s = append(s[:len(s)-1:len(s)-1], graph.Unknown())
	}
	c.Set(0, tensor.String, s)
	return nil
}

// makeNormalizer compares and changes letters by Unicode's rules of no
// language in particular: locales are a matter of the platform.
func makeNormalizer(s *Spec) (Kernel, error) {
	change := func(text string) string { return text }
	switch action := s.Str("case_change_action", "NONE"); action {
	case "NONE":
	case "LOWER":
		change = strings.ToLower
	case "UPPER":
		change = strings.ToUpper
	default:
		return nil, attrError("case_change_action", action, "LOWER, UPPER or NONE")
	}
	key := strings.ToLower
	if s.Int("is_case_sensitive", 0) != 0 {
		key = func(text string) string { return text }
	}
	stop := map[string]bool{}
	for _, word := range s.Node.Strings("stopwords") {
		stop[key(word)] = true
	}
	return func(x *Call) error {
		in, err := texts(x, 0)
		if err != nil {
			return err
		}
		shape := x.In[0].Shape
		if len(shape) != 1 && !(len(shape) == 2 && shape[0] == 1) {
			return x.InputError(0, "shape %v, want [C] or [1 C]", shape)
		}
		var kept []string
		for _, word := range in {
			if !stop[key(word)] {
				kept = append(kept, change(word))
			}
		}
		if len(kept) == 0 {
			kept = []string{""}
		}
		shape = slices.Clone(shape)
		shape[len(shape)-1] = len(kept)
		out, err := x.New(0, tensor.String, shape...)
		if err != nil {
			return err
		}
		copy(tensor.Data[string](out), kept)
		return nil
	}, nil
}
