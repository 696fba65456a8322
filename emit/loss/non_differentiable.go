package loss

import "github.com/onnxloss/onnxloss/graph"

// NonDifferentiable is the integers and booleans computed from x through floats only:
// comparisons, ranks, fixed-point numbers. They have no derivative, so finite differences
// must hold them fixed. Sizes are not included.
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
