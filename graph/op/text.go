package op

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

const noTextGrad = "text has no derivative"

func init() {
	joined := byType(map[tensor.DType]Kernel{
		tensor.String: joinTexts,
	})
	Register(
		&Op{
			Name: "StringConcat", Equation: "z = the text of x followed by that of y", Versions: []int64{20},
			Flow: flow.Flow{Pass: flow.Untraced}, In: Arity{2, 2}, Out: Arity{1, 1}, NoGrad: noTextGrad,
			Infer: func(c *Infer) error {
				if err := sameTypes(c); err != nil {
					return err
				}
				return inferBroadcast(c, tensor.String)
			},
			Kernel: func(*Spec) (Kernel, error) { return joined, nil },
		},
		&Op{
			Name: "StringSplit", Equation: "y = the parts of each text between delimiters, on a new last axis; z = how many there are",
			Flow:     flow.Flow{Pass: flow.Untraced},
			Versions: []int64{20}, In: Arity{1, 1}, Out: Arity{1, 2}, NoGrad: noTextGrad,
			Infer: func(c *Infer) error {
				if s := c.Input(0).Shape; s != nil {
					c.Set(0, tensor.String, append(s.Clone(), graph.Unknown()))
				} else {
					c.Set(0, tensor.String, nil)
				}
				c.Set(1, tensor.Int64, c.Input(0).Shape)
				return nil
			},
			Kernel: makeStringSplit,
		},
		&Op{
			Name: "RegexFullMatch", Equation: "y = the whole text matches the pattern, in RE2's syntax", Versions: []int64{20},
			Flow: flow.Flow{Pass: flow.Untraced}, In: Arity{1, 1}, Out: Arity{1, 1}, NoGrad: noTextGrad,
			Infer: func(c *Infer) error {
				c.Set(0, tensor.Bool, c.Input(0).Shape)
				return nil
			},
			Kernel: makeFullMatch,
		},
	)
}

// joinTexts is StringConcat.
func joinTexts(x *Call) error {
	release, err := holdJoined(x)
	if err != nil {
		return err
	}
	defer release()
	return broadcastTo(x, kernel.Join())
}

// holdJoined counts the texts that StringConcat makes.
func holdJoined(x *Call) (release func(), err error) {
	size := 0
	shape, err := BroadcastShapes(x.In[0].Shape, x.In[1].Shape)
	if err != nil {
		return func() {}, nil // which is told later
	}
	for i := range x.In {
		list, err := texts(x, i)
		if err != nil {
			return nil, err
		}
		if len(list) > 0 {
			size += tensor.Elements(shape) / len(list) * textBytes(list)
		}
	}
	return x.Hold(tensor.Uint8, size)
}

// textBytes is the bytes of all texts.
func textBytes(list []string) int {
	n := 0
	for _, s := range list {
		n += len(s)
	}
	return n
}

// texts is the elements of input i, which must be strings.
func texts(x *Call, i int) ([]string, error) {
	t := x.In[i]
	if t.DType != tensor.String || t.IsSequence() {
		return nil, x.InputError(i, "%v, want string", t)
	}
	return tensor.Data[string](t), nil
}

// maxSplitParts bounds the elements of what StringSplit makes: the longest row
// sets the size of all.
const maxSplitParts = 1 << 26

func makeStringSplit(s *Spec) (Kernel, error) {
	delimiter, most := s.Str("delimiter", ""), int(min(s.Int("maxsplit", -1), tensor.MaxElems))
	return func(x *Call) error {
		in, err := texts(x, 0)
		if err != nil {
			return err
		}
		release, err := x.Hold(tensor.String, textBytes(in)+2*len(in)) // of parts there are no more
		if err != nil {
			return err
		}
		defer release()
		rows, longest := make([][]string, len(in)), 0
		for i, text := range in {
			rows[i] = splitText(text, delimiter, most)
			longest = max(longest, len(rows[i]))
		}
		if longest > maxSplitParts/max(len(in), 1) {
			return x.InputError(0, "%d texts of up to %d parts are too many", len(in), longest)
		}
		parts, err := x.New(0, tensor.String, append(append([]int{}, x.In[0].Shape...), longest)...)
		if err != nil {
			return err
		}
		clearAll(parts)
		counts, err := x.New(1, tensor.Int64, x.In[0].Shape...)
		if err != nil {
			return err
		}
		for i, row := range rows {
			copy(tensor.Data[string](parts)[i*longest:], row)
			tensor.Data[int64](counts)[i] = int64(len(row))
		}
		return nil
	}, nil
}

// splitText cuts text at delimiters, or at runs of white space if the delimiter
// is empty, at most times, or everywhere if most is negative.
func splitText(text, delimiter string, most int) []string {
	switch {
	case delimiter != "" && most < 0:
		return strings.Split(text, delimiter)
	case delimiter != "":
		return strings.SplitN(text, delimiter, most+1)
	case most < 0:
		return strings.Fields(text)
	}
	var parts []string
	rest := strings.TrimSpace(text)
	for rest != "" && len(parts) < most {
		cut := len(rest) - len(strings.TrimLeftFunc(rest, func(r rune) bool { return !unicode.IsSpace(r) }))
		parts = append(parts, rest[:cut])
		rest = strings.TrimSpace(rest[cut:])
	}
	if rest != "" {
		parts = append(parts, rest)
	}
	return parts
}

func makeFullMatch(s *Spec) (Kernel, error) {
	pattern := s.Str("pattern", "")
	if _, err := regexp.Compile(pattern); err != nil {
		return nil, attrError("pattern", pattern, fmt.Sprintf("RE2's syntax: %v", err))
	}
	whole, err := regexp.Compile(`\A(?:` + pattern + `)\z`)
	if err != nil {
		return nil, attrError("pattern", pattern, fmt.Sprintf("RE2's syntax: %v", err))
	}
	return func(x *Call) error {
		in, err := texts(x, 0)
		if err != nil {
			return err
		}
		out, err := x.New(0, tensor.Bool, x.In[0].Shape...)
		if err != nil {
			return err
		}
		dst := tensor.Data[bool](out)
		x.Parallel(len(in), 64, func(lo, hi int) {
			for i := lo; i < hi; i++ {
				dst[i] = whole.MatchString(in[i])
			}
		})
		return nil
	}, nil
}
