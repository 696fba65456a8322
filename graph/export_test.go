package graph

// What tests damage: what the edits keep right.

func SetProducer(v *Value, n *Node) { v.producer = n }
func SetIndex(v *Value, i int)      { v.index = int32(i) }
func SetUses(v *Value, uses ...Use) { v.uses = uses }
func Forget(g *Graph, name string)  { delete(g.values, name) }
func SetGraph(n *Node, g *Graph)    { n.graph = g }

// ErrTooDeep is what Inline fails with where functions nest without end.
var ErrTooDeep = errTooDeep
