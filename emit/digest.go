package emit

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/onnx"
)

// completed finishes fingerprint f, using checksums from the pass d if it has them.
func completed(d *onnx.Digest, m *graph.Model, f *fingerprint, data []*graph.Data) (string, error) {
	sums := make([]uint32, len(data))
	for i, x := range data {
		of := d.Inside
		if x.External != "" {
			of = d.Outside
		}
		sum, ok, err := of(x.Origin)
		if err == nil && !ok {
			sum, err = dataChecksum(m, x)
		}
		if err != nil {
			return "", err
		}
		sums[i] = sum
	}
	return f.with(data, sums), nil
}
