package patterns

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns/rule"
)

// classKeys are the metadata keys under which exporters list class names, in lower case:
// Ultralytics writes "names", others the rest.
var classKeys = []string{"names", "class_names", "classnames", "classes", "labels", "label_names", "class_labels", "categories"}

// countKeys are those under which they write the number of classes.
var countKeys = []string{"nc", "num_classes", "numclasses", "number_of_classes"}

// stated is the number of classes that the metadata of m states, and under which key;
// 0 where it states none, or several that differ.
func stated(m *graph.Model) (n int, key string) {
	for _, p := range m.Metadata {
		k := 0
		switch name := strings.ToLower(p.Key); {
		case slices.Contains(classKeys, name):
			k = items(p.Value)
		case slices.Contains(countKeys, name):
			k, _ = strconv.Atoi(strings.TrimSpace(p.Value))
		}
		switch {
		case k <= 0 || k > maxStated || k == n:
		case n > 0:
			return 0, ""
		default:
			n, key = k, p.Key
		}
	}
	return n, key
}

// maxStated bounds the classes that metadata may state.
const maxStated = 1 << 20

// items is the number of entries of a list or dictionary as JSON or Python writes it, or
// of lines, or else of names with commas between them; 0 if text is none of these.
func items(text string) int {
	text = strings.TrimSpace(text)
	if len(text) > 1 && (text[0] == '[' && text[len(text)-1] == ']' || text[0] == '{' && text[len(text)-1] == '}' || text[0] == '(' && text[len(text)-1] == ')') {
		return entries(text[1 : len(text)-1])
	}
	by := ","
	if strings.Contains(text, "\n") {
		by = "\n"
	}
	n := 0
	for x := range strings.SplitSeq(text, by) {
		if strings.TrimSpace(x) != "" {
			n++
		}
	}
	if n < 2 {
		return 0 // a file's name, say
	}
	return n
}

// entries is the number of entries between commas outside of quotes and brackets; 0 where
// these do not match.
func entries(text string) int {
	n, depth, quote, filled := 0, 0, byte(0), false
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case quote != 0 && c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote, filled = c, true
		case strings.IndexByte("[{(", c) >= 0:
			depth++
		case strings.IndexByte("]})", c) >= 0:
			depth--
		case c == ',' && depth == 0:
			n, filled = n+1, false
		case c != ' ' && c != '\n' && c != '\t' && c != '\r':
			filled = true
		}
		if depth < 0 {
			return 0
		}
	}
	switch {
	case depth != 0 || quote != 0:
		return 0
	case filled:
		n++
	}
	return n
}

// What the number of classes that the metadata states makes of a confidence: where the
// graph says the same by itself, the doubt that is left counts less; where the graph
// gives such a head only because it was looked for, or none, the answer is unsure. See
// TestMetadata for what each is worth.
const (
	agreed      = 0.35 // of the doubt
	mostAgreed  = 0.97
	looked      = 0.85 // the most, of a head found with the number in mind
	contradicts = 0.6  // the most, of a head with another number of classes
)

// withMetadata is x, the answer of the graph alone, held to what the metadata of m says.
func (x *searched) withMetadata(m *graph.Model, opts Options) (*searched, error) {
	n, key := stated(m)
	if n == 0 || opts.Classes > 0 || opts.Head != "" {
		return x, nil
	}
	if len(x.found) > 0 && x.found[0].Has(n) {
		h := x.found[0]
		h.Confidence = max(h.Confidence, min(mostAgreed, math.Round(100*(1-agreed*(1-h.Confidence)))/100))
		h.Evidence = append(h.Evidence, fmt.Sprintf("the metadata states %s (%q), as the graph does", rule.Plural(int64(n), "class", "es"), key))
		return x, nil
	}
	opts.Classes = n
	y, err := searchAll(m, opts)
	if err != nil {
		return nil, err
	}
	if len(y.found) > 0 && y.found[0].Has(n) {
		h := y.found[0]
		h.Confidence = min(h.Confidence, looked)
		h.Evidence = append(h.Evidence, fmt.Sprintf("the metadata states %s (%q)", rule.Plural(int64(n), "class", "es"), key))
		return y, nil
	}
	for _, h := range x.found {
		h.Confidence = min(h.Confidence, contradicts)
		h.Evidence = append(h.Evidence, fmt.Sprintf("against it: the metadata states %s (%q)", rule.Plural(int64(n), "class", "es"), key))
	}
	return x, nil
}
