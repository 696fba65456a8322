package rule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/onnxloss/onnxloss/graph"
)

// classKeys are the metadata keys under which exporters list class names, in lower case:
// Ultralytics writes "names", others the rest.
var classKeys = []string{"names", "class_names", "classnames", "classes", "labels", "label_names", "class_labels", "categories"}

// countKeys are those under which they write the number of classes.
var countKeys = []string{"nc", "num_classes", "numclasses", "number_of_classes"}

// Stated is what the metadata of a model states.
type Stated struct {
	Classes int    // their number; 0 where it states none, or several that differ
	Key     string // under which key
	// Sought is set where heads of so many classes were looked for, since the graph alone shows
	// none.
	Sought bool
}

// StatedBy is what the metadata of m states.
func StatedBy(m *graph.Model) Stated {
	n, key := 0, ""
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
			return Stated{}
		default:
			n, key = k, p.Key
		}
	}
	return Stated{Classes: n, Key: key}
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

var metadataAgrees = &Rule{
	Name:  "metadata-agrees",
	Why:   "the exporter wrote as many class names into the file as the head has classes",
	Place: "once heads are found: metadata names no tensor",
	Reads: Metadata,
	Judge: func(s *Scene) []Verdict {
		if n := s.Stated.Classes; n > 0 && s.Found[0].Has(n) {
			if s.Stated.Sought {
				return []Verdict{{Of: s.Found[0], AtMost: looked, Evidence: fmt.Sprintf("the metadata states %s (%q)", Plural(int64(n), "class", "es"), s.Stated.Key)}}
			}
			return []Verdict{{Of: s.Found[0], Weight: 3, Evidence: fmt.Sprintf("the metadata states %s (%q), as the graph does", Plural(int64(n), "class", "es"), s.Stated.Key)}}
		}
		return nil
	},
}

var metadataContradicts = &Rule{
	Name:  "metadata-contradicts",
	Why:   "the exporter wrote another number of class names into the file than any head has classes",
	Place: "once heads are found: metadata names no tensor",
	Reads: Metadata,
	Judge: func(s *Scene) []Verdict {
		n := s.Stated.Classes
		if n == 0 || s.Found[0].Has(n) {
			return nil
		}
		var vs []Verdict
		for _, f := range s.Found {
			vs = append(vs, Verdict{Of: f, Weight: -3, AtMost: contradicted, Evidence: fmt.Sprintf("against it: the metadata states %s (%q)", Plural(int64(n), "class", "es"), s.Stated.Key)})
		}
		return vs
	},
}
