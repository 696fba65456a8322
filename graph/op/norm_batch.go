package op

import (
	"fmt"
	"math"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(&Op{
		Name: "BatchNormalization", Equation: "y = (x − mean[c]) / √(var[c] + epsilon) · scale[c] + b[c]; in training, mean and var are those of x",
		Flow:     flow.Flow{Pass: flow.Mapped},
		Versions: []int64{1, 6, 7, 9, 14, 15}, Upgrades: Upgrades{9: spatial, 14: upgradeBatchNorm}, In: Arity{5, 5}, Out: Arity{1, 5}, Half: true,
		Infer: inferBatchNorm, Kernel: makeBatchNorm, Piece: batchNormPiece, Grad: gradBatchNorm, Check: Check{Lo: 0.2, Hi: 1},
	})
}

// trainsBatchNorm reports whether the node normalizes by the statistics of its
// own input: by its attribute since version 14, by its number of outputs in
// versions 7 and 9, by either before.
func trainsBatchNorm(n *graph.Node, since int64) bool {
	switch {
	case since >= 14:
		return n.Int("training_mode", 0) != 0
	case since < 7 && n.Int("is_test", 0) != 0:
		return false
	}
	for i := 1; i < 5; i++ {
		if n.Output(i) != nil {
			return true
		}
	}
	return false
}

func inferBatchNorm(c *Infer) error {
	x := c.Input(0)
	c.Set(0, x.DType, x.Shape)
	channels := graph.Shape{graph.Unknown()}
	for i := 1; i < 5; i++ {
		if s := c.Input(i).Shape; len(s) == 1 && s[0].IsKnown() {
			channels = s
		}
	}
	if len(x.Shape) > 1 && x.Shape[1].IsKnown() {
		if channels[0].IsKnown() && channels[0] != x.Shape[1] {
			return c.InputError(0, "%v channels, want %v as the statistics have", x.Shape[1], channels[0])
		}
		channels = graph.Shape{x.Shape[1]}
	}
	for i := 1; i < len(c.Out); i++ {
		d := c.Input(3).DType
		if c.Since < 14 {
			d = x.DType
		}
		c.Set(i, d, channels)
	}
	return nil
}

func makeBatchNorm(s *Spec) (Kernel, error) {
	b := batchNorm{
		epsilon: s.Float("epsilon", 1e-5), momentum: s.Float("momentum", 0.9),
		training: trainsBatchNorm(s.Node, s.Since),
	}
	if s.Since < 9 && s.Int("spatial", 1) == 0 {
		return nil, &UnsupportedError{Ops: []string{"BatchNormalization with spatial 0"}}
	}
	return byFloat(
		func(x *Call) error { return runBatchNorm[float32](x, b) },
		func(x *Call) error { return runBatchNorm[float64](x, b) }), nil
}

// batchNormPiece is there if the statistics are constant.
func batchNormPiece(s *Spec) *Piece {
	if trainsBatchNorm(s.Node, s.Since) {
		return nil
	}
	var p [4][]float32
	for i := range p {
		t := s.Const[i+1]
		if t == nil || t.DType != tensor.Float32 || t.Rank() != 1 || t.Len() != s.Const[1].Len() {
			return nil
		}
		p[i] = tensor.Data[float32](t)
	}
	epsilon := s.Float("epsilon", 1e-5)
	factors := make([]float64, len(p[0]))
	for c := range factors {
		factors[c] = float64(p[0][c]) / math.Sqrt(float64(p[3][c])+epsilon)
	}
	return &Piece{Channels: len(p[0]), Channel: func(dst, x []float32, c int) {
		kernel.Affine(dst, x, float64(p[2][c]), factors[c], float64(p[1][c]))
	}}
}

type batchNorm struct {
	epsilon, momentum float64
	training          bool
}

func runBatchNorm[T float32 | float64](x *Call, b batchNorm) error {
	in := x.In[0]
	if in.Rank() < 2 {
		return x.InputError(0, "rank %d, want at least 2", in.Rank())
	}
	n, c, inner := in.Shape[0], in.Shape[1], tensor.Elements(in.Shape[2:])
	if err := vectorOf(x, c, 1, 2, 3, 4); err != nil {
		return err
	}
	if err := sameType(x, 1, 2, 3, 4); err != nil {
		return err
	}
	out, err := x.New(0, in.DType, in.Shape...)
	if err != nil {
		return err
	}
	mean, variance := tensor.Data[T](x.In[3]), tensor.Data[T](x.In[4])
	if b.training {
		if mean, variance, err = trainBatchNorm[T](x, b, n, c, inner); err != nil {
			return err
		}
	}
	kernel.BatchNorm(x.Parallel, tensor.Data[T](out), tensor.Data[T](in), n, c, inner,
		tensor.Data[T](x.In[1]), tensor.Data[T](x.In[2]), mean, variance, b.epsilon)
	return nil
}

// trainBatchNorm computes the statistics of x, which it gives back, and the
// outputs: running statistics old·momentum + batch·(1−momentum), and before
// version 14 those of the batch too.
func trainBatchNorm[T float32 | float64](x *Call, b batchNorm, n, c, inner int) (mean, variance []T, err error) {
	data := tensor.Data[T](x.In[0])
	mean, variance = make([]T, c), make([]T, c)
	x.Parallel(c, max(1, 1<<14/max(1, n*inner)), func(lo, hi int) {
		for ch := lo; ch < hi; ch++ {
			m, v := channelMoments(data, n, c, inner, ch)
			mean[ch], variance[ch] = T(m), T(v)
		}
	})
	for i := 1; i < 5; i++ {
		if !x.Wants(i) {
			continue
		}
		t, err := x.New(i, x.In[0].DType, c)
		if err != nil {
			return nil, nil, err
		}
		batch, dst := mean, tensor.Data[T](t)
		if i%2 == 0 {
			batch = variance
		}
		for ch := range dst {
			dst[ch] = batch[ch]
			if i < 3 {
				old := tensor.Data[T](x.In[2+i])[ch]
				dst[ch] = T(float64(old)*b.momentum + float64(batch[ch])*(1-b.momentum))
			}
		}
	}
	return mean, variance, nil
}

// channelMoments is the mean and the variance of one channel of x, of shape
// (n, c, inner).
func channelMoments[T float32 | float64](x []T, n, c, inner, ch int) (mean, variance float64) {
	count := float64(n * inner)
	each := func(f func(v float64)) {
		for i := range n {
			for _, v := range x[(i*c+ch)*inner:][:inner] {
				f(float64(v))
			}
		}
	}
	each(func(v float64) { mean += v })
	mean /= count
	each(func(v float64) { variance += (v - mean) * (v - mean) })
	return mean, variance / count
}

// upgradeBatchNorm refuses what trained by its outputs alone.
func upgradeBatchNorm(u *Upgrade) error {
	if trainsBatchNorm(u.Node, 9) {
		return fmt.Errorf("it outputs statistics of its input, which changed attributes and outputs in version 14")
	}
	return nil
}

// spatial takes off the attribute spatial, which said that a channel has one mean.
func spatial(u *Upgrade) error {
	a, err := u.attr("spatial")
	if err == nil && a != nil && a.I == 0 {
		return attrError("spatial", a.I, "1, the only one since version 9")
	}
	return err
}
