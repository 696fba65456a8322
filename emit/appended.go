package emit

import "github.com/onnxloss/onnxloss/graph"

// Appended are the nodes of g that no original output needs: the loss, its gradient, and
// the nodes that join the logits into one tensor.
func (x *Manifest) Appended(g *graph.Graph) (map[*graph.Node]bool, error) {
	roots, err := x.Roots(g)
	if err != nil {
		return nil, err
	}
	network := map[*graph.Node]bool{}
	for queue := roots; len(queue) > 0; {
		v := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		n := v.Producer()
		if n == nil || network[n] {
			continue
		}
		network[n] = true
		for _, in := range append(n.Captures(), n.Inputs...) {
			if in != nil {
				queue = append(queue, in)
			}
		}
	}
	own := map[*graph.Node]bool{}
	for _, n := range g.Nodes {
		if !network[n] {
			own[n] = true
		}
	}
	return own, nil
}
