package op

import (
	"math"

	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// varianceFloor is what ONNX's body of MeanVarianceNormalization adds to the
// standard deviation.
const varianceFloor = 1e-9

func makeMeanVariance(s *Spec) (Kernel, error) {
	axes := s.Ints("axes")
	if !s.Has("axes") {
		axes = []int64{0, 2, 3}
	}
	return byFloat(
		func(x *Call) error { return runMeanVariance[float32](x, axes) },
		func(x *Call) error { return runMeanVariance[float64](x, axes) }), nil
}

func runMeanVariance[T float32 | float64](x *Call, axes []int64) error {
	in := x.In[0]
	stats := append([]int{}, in.Shape...)
	for _, a := range axes {
		at, err := Axis(a, in.Rank())
		if err != nil {
			return x.InputError(0, "%v", err)
		}
		stats[at] = 1
	}
	out, err := x.New(0, in.DType, in.Shape...)
	if err != nil || in.Len() == 0 {
		return err
	}
	src, dst := tensor.Data[T](in), tensor.Data[T](out)
	cells := make([]float64, 2*tensor.Elements(stats))
	mean, spread := cells[:len(cells)/2], cells[len(cells)/2:]
	strides, _ := kernel.BroadcastStrides(in.Shape, stats)
	count := float64(len(src) / len(mean))
	walkStrided(in.Shape, strides, func(i, at int) { mean[at] += float64(src[i]) / count })
	walkStrided(in.Shape, strides, func(i, at int) {
		d := float64(src[i]) - mean[at]
		spread[at] += d * d / count
	})
	for i, v := range spread {
		spread[i] = math.Sqrt(v) + varianceFloor
	}
	walkStrided(in.Shape, strides, func(i, at int) { dst[i] = T((float64(src[i]) - mean[at]) / spread[at]) })
	return nil
}

// walkStrided calls f for each element of shape, in row-major order, with its
// number and its offset by strides.
func walkStrided(shape, strides []int, f func(i, at int)) {
	index := make([]int, len(shape))
	at := 0
	for i := range tensor.Elements(shape) {
		f(i, at)
		for d := len(shape) - 1; d >= 0; d-- {
			index[d]++
			at += strides[d]
			if index[d] < shape[d] {
				break
			}
			at -= strides[d] * shape[d]
			index[d] = 0
		}
	}
}
