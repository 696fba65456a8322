package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/onnxloss/onnxloss/graph/tensor"
)

// fewNumbers is how many integers are shown individually at most.
const fewNumbers = 8

// summary describes a tensor's elements: minimum, mean and maximum of floats, or a few
// int64 individually.
func summary(t *tensor.Tensor) string {
	if t.DType == tensor.Int64 && t.Len() <= fewNumbers {
		return strings.Trim(fmt.Sprint(tensor.Data[int64](t)), "[]")
	}
	var lo, hi, sum float64
	switch t.DType {
	case tensor.Float32:
		lo, hi, sum = range3(tensor.Data[float32](t))
	case tensor.Float64:
		lo, hi, sum = range3(tensor.Data[float64](t))
	default:
		return ""
	}
	switch t.Len() {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("%.6g", sum)
	}
	return fmt.Sprintf("min %.4g  mean %.4g  max %.4g", lo, sum/float64(t.Len()), hi)
}

// range3 is the minimum, the maximum and the sum of x.
func range3[T float32 | float64](x []T) (lo, hi, sum float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, v := range x {
		lo, hi, sum = math.Min(lo, float64(v)), math.Max(hi, float64(v)), sum+float64(v)
	}
	return lo, hi, sum
}
