package text

import (
	"strconv"
	"strings"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// typeText is a type in the text syntax: float is a scalar, float[] a tensor
// of any rank. An untyped value inside another type is "?", which ONNX does not have.
func typeText(t graph.Type) string {
	elem := func() string {
		if t.Elem == nil {
			return "?"
		}
		return typeText(*t.Elem)
	}
	switch t.Kind {
	case graph.TensorKind:
		return dtypeText(t.DType) + shapeText(t.Shape)
	case graph.SparseKind:
		return "sparse_tensor(" + dtypeText(t.DType) + shapeText(t.Shape) + ")"
	case graph.SequenceKind:
		return "seq(" + elem() + ")"
	case graph.OptionalKind:
		return "optional(" + elem() + ")"
	case graph.MapKind:
		return "map(" + dtypeText(t.DType) + ", " + elem() + ")"
	case graph.OpaqueKind:
		return "opaque()"
	}
	return "?"
}

func dtypeText(d tensor.DType) string {
	switch d {
	case tensor.Float32:
		return "float"
	case tensor.Float64:
		return "double"
	}
	if !d.Valid() {
		return "undefined"
	}
	return d.String()
}

func shapeText(s graph.Shape) string {
	if s == nil {
		return "[]"
	}
	if len(s) == 0 {
		return ""
	}
	dims := make([]string, len(s))
	for i, d := range s {
		switch {
		case d.IsKnown():
			dims[i] = strconv.FormatInt(d.Value, 10)
		case d.Param != "":
			dims[i] = id(d.Param)
		default:
			dims[i] = "?"
		}
	}
	return "[" + strings.Join(dims, ",") + "]"
}

// quote is s in quotes, with a backslash before quotes and backslashes.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// id is s as an identifier, quoted if it does not look like one or could be
// taken for the name of a type.
func id(s string) string {
	if isIdent(s) && !isTypeWord(s) {
		return s
	}
	return quote(s)
}

// dotted is a domain: identifiers between dots, or all of it in quotes.
func dotted(s string) string {
	for _, part := range strings.Split(s, ".") {
		if id(part) != part {
			return quote(s)
		}
	}
	return s
}

func isIdent(s string) bool {
	for i := range len(s) {
		if c := s[i]; c != '_' && (c|0x20 < 'a' || c|0x20 > 'z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// isTypeWord reports whether s begins a type, or a number that is a word.
func isTypeWord(s string) bool {
	switch s {
	case "seq", "map", "optional", "sparse_tensor", "opaque", "undefined", "inf", "nan":
		return true
	}
	_, ok := tensor.ParseDType(s)
	return ok
}

// float32Text is x so that it cannot be taken for an integer.
func float32Text(x float32) string {
	return markFloat(formatFloat(float64(x), 32))
}

func formatFloat(x float64, bits int) string {
	s := strconv.FormatFloat(x, 'g', -1, bits)
	switch s {
	case "NaN":
		return "nan"
	case "+Inf":
		return "inf"
	case "-Inf":
		return "-inf"
	}
	return s
}

func markFloat(s string) string {
	if strings.ContainsAny(s, ".en") {
		return s
	}
	return s + ".0"
}
