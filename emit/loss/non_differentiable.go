package loss

import "github.com/onnxloss/onnxloss/graph"

// NonDifferentiable is the integers and booleans that are computed from x, by way of
// floats alone: comparisons, ranks, numbers in fixed point. No differentiation
// goes through them, so a difference that is to be a derivative must hold them. Sizes are left out.
func NonDifferentiable(x *graph.Value) []*graph.Value {
	var found []*graph.Value
	seen := map[*graph.Value]bool{x: true}
	todo := []*graph.Value{x}
	for len(todo) > 0 {
		v := todo[0]
		todo = todo[1:]
		for _, u := range v.Uses() {
			for _, out := range u.Node.Outputs {
				switch {
				case out == nil || seen[out] || u.Node.Op == "Shape" || u.Node.Op == "Size":
					continue
				case out.Type.DType.IsFloat():
					todo = append(todo, out)
				default:
					found = append(found, out)
				}
				seen[out] = true
			}
		}
	}
	return found
}
