package op

import (
	"errors"
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/op/internal/raster"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(&Op{
		Name: "ImageDecoder", Equation: "y = the pixels of an encoded image, rows first and channels last; none if it cannot be decoded", Versions: []int64{20},
		Flow: flow.Flow{Pass: flow.Untraced}, In: Arity{1, 1}, Out: Arity{1, 1}, NoGrad: "its input is a file",
		Infer: func(c *Infer) error {
			channels, err := pixelChannels(c.Node)
			c.Set(0, tensor.Uint8, graph.Shape{graph.Unknown(), graph.Unknown(), graph.Known(int64(channels))})
			return err
		},
		Kernel: makeImageDecoder,
	})
}

func pixelChannels(n *graph.Node) (int, error) {
	switch f := n.Str("pixel_format", "RGB"); f {
	case "RGB", "BGR":
		return 3, nil
	case "Grayscale":
		return 1, nil
	default:
		return 0, attrError("pixel_format", f, "RGB, BGR or Grayscale")
	}
}

func makeImageDecoder(s *Spec) (Kernel, error) {
	channels, err := pixelChannels(s.Node)
	if err != nil {
		return nil, err
	}
	reversed := s.Str("pixel_format", "RGB") == "BGR"
	return func(x *Call) error {
		in := x.In[0]
		if in.DType != tensor.Uint8 || in.Rank() != 1 {
			return x.InputError(0, "%v, want a vector of uint8", in)
		}
		p, err := raster.Decode(tensor.Data[uint8](in), func(bytes int) error {
			t, err := x.Temp(tensor.Uint8, bytes)
			if err == nil {
				x.Env.Free(t)
			}
			return err
		})
		var large *raster.TooLargeError
		switch {
		case errors.As(err, &large):
			return fmt.Errorf("input 0: %w", large.Err)
		case err != nil:
			p = &raster.Pixels{} // what the schema asks for
		}
		out, err := x.New(0, tensor.Uint8, p.Height, p.Width, channels)
		if err != nil {
			return err
		}
		p.Write(tensor.Data[uint8](out), channels, reversed)
		return nil
	}, nil
}
