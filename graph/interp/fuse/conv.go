package fuse

import (
	"strings"

	"github.com/onnxloss/onnxloss/graph/interp/plan"
	"github.com/onnxloss/onnxloss/graph/op"
)

// fusedConv is what a convolution does beside: a step's Fused.
type fusedConv struct {
	epilogue     *op.Epilogue
	spaceToDepth *op.SpaceToDepth
}

// convOf is what the kernel of a step that is one Conv is made of.
func convOf(s *plan.Step) op.ConvSpec {
	c := op.ConvSpec{Spec: s.Spec}
	if f, ok := s.Fused.(*fusedConv); ok {
		c.Epilogue, c.SpaceToDepth = f.epilogue, f.spaceToDepth
	}
	return c
}

// isConv reports whether the step is one Conv, with or without an epilogue.
func isConv(s *plan.Step) bool { return s.Spec != nil && s.Is("Conv") }

func (c *fusedConv) String() string {
	var parts []string
	if c.spaceToDepth != nil {
		parts = append(parts, "space-to-depth")
	}
	if c.epilogue != nil {
		parts = append(parts, "epilogue "+c.epilogue.String())
	}
	return strings.Join(parts, ", ")
}
