package op

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
)

// adding is the reduction with which the adjoints of picked elements are put
// together: none where the indices are certainly distinct.
func adding(c *Grad, distinct bool) (string, error) {
	opset := c.Node.Graph().Opset("")
	switch {
	case opset >= 16 && !distinct:
		return "add", nil
	case opset >= 11 && distinct:
		return "", nil
	}
	return "", fmt.Errorf("the gradient of %[2]s needs a scatter that adds (opset 16); the model has opset %[1]d", opset, c.Node.Op)
}

// distinctIndices reports whether v holds constant indices that differ, for an
// axis of size n.
func distinctIndices(v *graph.Value, n graph.Dim) bool {
	t, err := ConstantOf(v)
	if err != nil {
		return false
	}
	list, err := Ints(t)
	if err != nil {
		return false
	}
	seen := map[int]bool{}
	for _, i := range list {
		if i < 0 && len(list) > 1 {
			if !n.IsKnown() {
				return false
			}
			i += int(n.Value)
		}
		if seen[i] {
			return false
		}
		seen[i] = true
	}
	return true
}

// gradGather scatters dy into zeros, with the axis that was picked along in
// front.
func gradGather(c *Grad) error {
	rank, err := c.rank(0)
	if err != nil {
		return err
	}
	picks, err := c.rank(1)
	if err != nil {
		return err
	}
	x, index := c.In(0), c.In(1)
	axis, err := Axis(c.Node.Int("axis", 0), rank)
	if err != nil {
		return err
	}
	reduction, err := adding(c, distinctIndices(index, x.Shape()[axis]))
	if err != nil {
		return err
	}
	front := append([]int64{int64(axis)}, axesFrom(0, axis)...)
	front = append(front, axesFrom(axis+1, rank)...)
	back := append(axesFrom(1, axis+1), 0)
	back = append(back, axesFrom(axis+1, rank)...)
	moved := append(axesFrom(axis, axis+picks), axesFrom(0, axis)...)
	moved = append(moved, axesFrom(axis+picks, rank-1+picks)...)
	dx := ScatterND(Transpose(zerosLike(x), front...), Unsqueeze(index, int64(picks)), Transpose(c.Dy[0], moved...), reduction)
	c.Set(0, Transpose(dx, back...))
	return nil
}

func gradGatherElements(c *Grad) error {
	reduction, err := adding(c, false)
	if err != nil {
		return err
	}
	c.Set(0, ScatterElements(zerosLike(c.In(0)), c.In(1), c.Dy[0], int(c.Node.Int("axis", 0)), reduction))
	return nil
}

func gradGatherND(c *Grad) error {
	if c.Node.Int("batch_dims", 0) != 0 {
		return fmt.Errorf("GatherND with batch_dims has no gradient rule: ScatterND has none")
	}
	reduction, err := adding(c, false)
	if err != nil {
		return err
	}
	c.Set(0, ScatterND(zerosLike(c.In(0)), c.In(1), c.Dy[0], reduction))
	return nil
}

// scattered adjoints: what was put in takes dy from its place; what was
// overwritten gets none.
func gradScatterElements(c *Grad) error {
	axis := int(c.Node.Int("axis", 0))
	return gradScatter(c,
		func(dy, zeros *graph.Value) *graph.Value { return ScatterElements(dy, c.In(1), zeros, axis, "") },
		func(dy *graph.Value) *graph.Value { return GatherElements(dy, c.In(1), axis) })
}

func gradScatterND(c *Grad) error {
	return gradScatter(c,
		func(dy, zeros *graph.Value) *graph.Value { return ScatterND(dy, c.In(1), zeros, "") },
		func(dy *graph.Value) *graph.Value { return GatherND(dy, c.In(1)) })
}

func gradScatter(c *Grad, put func(dy, zeros *graph.Value) *graph.Value, take func(dy *graph.Value) *graph.Value) error {
	r, err := scatterReduction(c.Node)
	if err != nil {
		return err
	}
	if r != "" && r != "add" {
		return attrError("reduction", r, "none or add for a gradient")
	}
	if opset := c.Node.Graph().Opset(""); opset < 11 {
		return fmt.Errorf("the gradient of %[2]s needs ScatterElements (opset 11); the model has opset %[1]d", opset, c.Node.Op)
	}
	if c.Needs(0) {
		if r == "add" {
			c.Set(0, c.Dy[0])
		} else {
			c.Set(0, put(c.Dy[0], zerosLike(c.In(2))))
		}
	}
	if c.Needs(2) {
		c.Set(2, take(c.Dy[0]))
	}
	return nil
}

// gradTopK puts the values' adjoint back where they came from.
func gradTopK(c *Grad) error {
	if c.Dy[0] == nil {
		return nil
	}
	if opset := c.Node.Graph().Opset(""); opset < 11 {
		return fmt.Errorf("the gradient of TopK needs ScatterElements (opset 11); the model has opset %d", opset)
	}
	indices := c.Out(1)
	if indices == nil {
		indices = Apply("TopK", 2, c.Node.Attrs, c.Node.Inputs...)[1]
	}
	c.Set(0, ScatterElements(zerosLike(c.In(0)), indices, c.Dy[0], int(c.Node.Int("axis", -1)), ""))
	return nil
}

// gradCenterCrop cuts or pads dy back.
func gradCenterCrop(c *Grad) error {
	c.Set(0, apply("CenterCropPad", nil, c.Dy[0], shapeOf(c.In(0))))
	return nil
}
