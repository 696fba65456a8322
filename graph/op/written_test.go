package op_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/interp/conform"
	"github.com/onnxloss/onnxloss/graph/text"
)

// written is a node in ONNX's text form, with constants x, a, b, … for its
// inputs and what its outputs y, z must be in "y is", "z is".
type written struct {
	opset         int
	consts, nodes string
	err           string // what the error says instead
}

const trainingOps = "ai.onnx.preview.training."

var writtenNodes = []written{
	{opset: 20, consts: `string[2,1] x = {"a", "é"}, string[2] b = {"", "z"}, string[2,2] "y is" = {"a", "az", "é", "éz"}`,
		nodes: `y = StringConcat (x, b)`},
	{opset: 20, consts: `string[2] x = {"a,,b", ""}, string[2,3] "y is" = {"a", "", "b", "", "", ""}, int64[2] "z is" = {3, 1}`,
		nodes: `y, z = StringSplit <delimiter: string = ","> (x)`},
	{opset: 20, consts: `string[2] x = {"a,b,c", "d"}, string[2,2] "y is" = {"a", "b,c", "d", ""}, int64[2] "z is" = {2, 1}`,
		nodes: `y, z = StringSplit <delimiter: string = ",", maxsplit: int = 1> (x)`},
	{opset: 20, consts: `string[2] x = {"  a  b c ", " "}, string[2,2] "y is" = {"a", "b c", "", ""}, int64[2] "z is" = {2, 0}`,
		nodes: `y, z = StringSplit <maxsplit: int = 1> (x)`},
	{opset: 20, consts: `string[4] x = {"ab", "xab", "abx", "a"}, bool[4] "y is" = {1, 0, 0, 1}`,
		nodes: `y = RegexFullMatch <pattern: string = "a|ab"> (x)`},
	{opset: 20, consts: `string[1] x = {"a"}, bool[1] "y is" = {1}`, nodes: `y = RegexFullMatch <pattern: string = ")("> (x)`, err: "RE2's syntax"},
	{opset: 20, consts: `float[1] x = {1}, bool[1] "y is" = {1}`, nodes: `y = RegexFullMatch <pattern: string = "a"> (x)`, err: "want string"},
	{opset: 10, consts: `string[1,3] x = {"The", "CAT", "the"}, string[1,1] "y is" = {"cat"}`,
		nodes: `y = StringNormalizer <case_change_action: string = "LOWER", stopwords: strings = ["THE"]> (x)`},
	{opset: 10, consts: `string[3] x = {"The", "CAT", "the"}, string[2] "y is" = {"The", "CAT"}`,
		nodes: `y = StringNormalizer <is_case_sensitive: int = 1, stopwords: strings = ["the"]> (x)`},
	{opset: 10, consts: `string[1] x = {"a"}, string[1] "y is" = {""}`, nodes: `y = StringNormalizer <stopwords: strings = ["a"]> (x)`},
	// Pool: 1, 2 alone; 1 2 and 2 1 as pairs. 1 2 1: as neighbours each once,
	// one apart 1 … 1, which is not in the pool.
	{opset: 9, consts: `int64[2,3] x = {1, 2, 1, 5, 1, 1}, float[2,4] "y is" = {2, 1, 1, 1, 2, 0, 0, 0}`,
		nodes: `y = TfIdfVectorizer <mode: string = "TF", min_gram_length: int = 1, max_gram_length: int = 2, max_skip_count: int = 1, ngram_counts: ints = [0, 2], ngram_indexes: ints = [0, 1, 2, 3], pool_int64s: ints = [1, 2, 1, 2, 2, 1]> (x)`},
	{opset: 9, consts: `string[4] x = {"a", "b", "a", "c"}, float[2] "y is" = {1, 0.5}`,
		nodes: `y = TfIdfVectorizer <mode: string = "TFIDF", min_gram_length: int = 1, max_gram_length: int = 1, max_skip_count: int = 0, ngram_counts: ints = [0], ngram_indexes: ints = [1, 0], pool_strings: strings = ["a", "c"], weights: floats = [0.25, 1.0]> (x)`},
	{opset: 24, consts: `float[1,3,1] x = {1, 2, 3}, float[1,2,1] a = {8, 9}, int64[1] b = {2}, float[1,3,1] "y is" = {9, 2, 8}`,
		nodes: `y = TensorScatter <mode: string = "circular"> (x, a, b)`},
	{opset: 24, consts: `float[1,3,1] x = {1, 2, 3}, float[1,2,1] a = {8, 9}, int64[1] b = {2}, float[1,3,1] "y is" = {9, 2, 8}`,
		nodes: `y = TensorScatter (x, a, b)`, err: "2 rows from 2 on do not fit into 3"},
	{opset: 24, consts: `float[2,2,2] x = {1, 2, 3, 4, 5, 6, 7, 8}, float[2,2,1] a = {0, -1, -2, -3}, float[2,2,2] "y is" = {0, 2, -1, 4, -2, 6, -3, 8}`,
		nodes: `y = TensorScatter <axis: int = 2> (x, a)`},
	{opset: 27, consts: `float[1,1,3] x = {1, 2, 3}, float[1,1,2] w = {10, 1}, float[1] b = {100}, float[1,1,1] s = {7}, float[1,1,3] "y is" = {171, 112, 123}, float[1,1,1] "z is" = {3}`,
		nodes: `y, z = CausalConvWithState (x, w, b, s)`},
	{opset: 27, consts: `float[1,1,1] x = {5}, float[1,1,3] w = {3, 2, 1}, float[1,1,1] "y is" = {5}, float[1,1,2] "z is" = {0, 5}`,
		nodes: `y, z = CausalConvWithState (x, w)`},
	// S = 2·3 = 6, y = 2·1·6; then S = 6 + 1·4, y = 2·3·10.
	{opset: 27, consts: `float[1,2,1] q = {1, 3}, float[1,2,1] k = {2, 1}, float[1,2,1] v = {3, 4}, float[1,2,1] "y is" = {12, 60}, float[1,1,1,1] "z is" = {10}`,
		nodes: `y, z = LinearAttention <q_num_heads: int = 1, kv_num_heads: int = 1, scale: float = 2.0, update_rule: string = "linear"> (q, k, v)`},
	// S = 1·8; v − Sk = 3 − 8·2, half of it times k is −13: S = 8 − 13.
	{opset: 27, consts: `float[1,1,1] q = {1}, float[1,1,1] k = {2}, float[1,1,1] v = {3}, float[1,1,1,1] s = {8}, float[1,1,1] b = {0.5}, float[1,1,1] "y is" = {-5}, float[1,1,1,1] "z is" = {-5}`,
		nodes: `y, z = LinearAttention <q_num_heads: int = 1, kv_num_heads: int = 1, update_rule: string = "delta"> (q, k, v, s, "", b)`},
	{opset: 27, consts: `float[1,1,1] q = {1}, float[1,1,1] "y is" = {-5}`,
		nodes: `y, z = LinearAttention <q_num_heads: int = 1, kv_num_heads: int = 1, update_rule: string = "gated"> (q, q, q)`, err: "update_rule"},
	// The last window of ceil_mode starts inside the input, and so does a first one that is wider.
	{opset: 12, consts: `float[1,1,3] x = {1, 2, 3}, float[1,1,1] "y is" = {2}, float[1,1,1] "z is" = {3}`,
		nodes: "y = AveragePool <kernel_shape: ints = [4], strides: ints = [4], ceil_mode: int = 1> (x)\nz = MaxPool <kernel_shape: ints = [4], strides: ints = [4], ceil_mode: int = 1> (x)"},
	{opset: 12, consts: `float[1,1,3] x = {1, 2, 3}, float[1,1,1] "y is" = {2}`,
		nodes: `y = MaxPool <kernel_shape: ints = [5], strides: ints = [2], ceil_mode: int = 1> (x)`, err: "the window covers 5"},
	// The first edge, 125 Hz of 8000 at 512 bins, is bin 8, and 0 there.
	{opset: 17, consts: `int64 n = {1}, int64 size = {511}, int64 rate = {8000}, float low = {125}, float high = {3999}, int64[1] s = {7}, int64[1] t = {9}, float[2,1] "y is" = {0, 0}`,
		nodes: "m = MelWeightMatrix (n, size, rate, low, high)\ny = Slice (m, s, t)"},
	// Decimals that float32 does not have: 7/10 is not above 0.7, ⌈10·0.3⌉ is 3, 5·0.7 rounds up.
	{opset: 11, consts: `float[1,2,4] x = {0, 0, 1, 10, 0, 0, 1, 7}, float[1,1,2] s = {0.9, 0.8}, int64 m = {2}, float t = {0.7}, int64[2,3] "y is" = {0, 0, 0, 0, 0, 1}`,
		nodes: `y = NonMaxSuppression (x, s, m, t)`},
	{opset: 10, consts: `float[1,1,1,4] x = {0, 1, 4, 9}, float[1,4] r = {0, 0, 10, 1}, int64[1] i = {0}, float[1,1,1,1] "y is" = {3.1666667}`,
		nodes: `y = RoiAlign <spatial_scale: float = 0.3> (x, r, i)`},
	{opset: 10, consts: `float[1,1,1,8] x = {0, 1, 2, 3, 4, 5, 6, 7}, float[1,5] r = {0, 5, 0, 5, 0}, float[1,1,1,1] "y is" = {4}`,
		nodes: `y = MaxRoiPool <spatial_scale: float = 0.7, pooled_shape: ints = [1, 1]> (x, r)`},
	{opset: 17, consts: `int64 n = {1}, float[1] "y is" = {1}, float[1] "z is" = {1}`,
		nodes: "y = HannWindow <periodic: int = 0> (n)\nz = HammingWindow <periodic: int = 0> (n)"},
	{opset: 20, consts: `float[1,2,3] x = {1, 0, 0, 0, 1, 0}, int64[4] n = {1, 1, 1, 3}, float[1,1,3,2] "y is" = {-1, 0, 0, 0, 1, 0}`,
		nodes: `y = AffineGrid <align_corners: int = 1> (x, n)`},
	{opset: 13, consts: `uint8[2] x = {1, 2}, float[2] roi = {-0.5, 1.5}, int64[1] n = {3}, uint8[3] "y is" = {7, 2, 7}`,
		nodes: `y = Resize <mode: string = "nearest", coordinate_transformation_mode: string = "tf_crop_and_resize", nearest_mode: string = "round_prefer_ceil", extrapolation_value: float = 7.0> (x, roi, "", n)`},
	{opset: 20, consts: `uint8[18] x = {80, 50, 32, 35, 99, 10, 50, 32, 49, 32, 49, 53, 32, 48, 32, 49, 53, 10}, uint8[1,2,3] "y is" = {0, 0, 0, 255, 255, 255}`,
		nodes: `y = ImageDecoder <pixel_format: string = "RGB"> (x)`},
	{opset: 20, consts: `uint8[17] x = {80, 54, 10, 49, 32, 50, 10, 50, 53, 53, 10, 1, 2, 3, 4, 5, 6}, uint8[2,1,3] "y is" = {3, 2, 1, 6, 5, 4}`,
		nodes: `y = ImageDecoder <pixel_format: string = "BGR"> (x)`},
	{opset: 20, consts: `uint8[9] x = {80, 52, 32, 49, 32, 50, 10, 128, 0}, uint8[2,1,1] "y is" = {0, 255}`,
		nodes: `y = ImageDecoder <pixel_format: string = "Grayscale"> (x)`},
	{opset: 20, consts: `uint8[11] x = {80, 54, 32, 57, 32, 57, 32, 50, 53, 53, 10}, uint8[0,0,3] "y is" = {}`,
		nodes: `y = ImageDecoder <pixel_format: string = "RGB"> (x)`},
	{opset: 20, consts: `uint8[19] x = {80, 54, 32, 57, 57, 57, 57, 57, 32, 57, 57, 57, 57, 57, 32, 50, 53, 53, 10}, uint8[0,0,3] "y is" = {}`, nodes: `y = ImageDecoder (x)`, err: "99999 by 99999 pixels is too large"},
	{opset: 1, consts: `float r = {0.5}, int64 t = {3}, float[1] x = {1}, float[1] g = {2}, float[1] h = {12}, float[1] "y is" = {0.9375}, float[1] "z is" = {16}`,
		nodes: `y, z = ` + trainingOps + `Adagrad <decay_factor: float = 1.0, epsilon: float = 0.0> (r, t, x, g, h)`},
	{opset: 1, consts: `float r = {0.5}, int64 t = {0}, float[1] x = {1}, float[1] g = {2}, float[1] v = {3}, float[1] "y is" = {-3.5}, float[1] "z is" = {6}`,
		nodes: `y, z = ` + trainingOps + `Momentum <alpha: float = 1.0, beta: float = 0.5, norm_coefficient: float = 1.0, mode: string = "nesterov"> (r, t, x, g, v)`},
	{opset: 1, consts: `float r = {1}, int64 t = {0}, float[1] x = {1}, float[1] g = {2}, float[1] v = {4}, float[1] h = {0}, float[1] "y is" = {-1.25}, float[1] "z is" = {3}`,
		nodes: `y, z, w = ` + trainingOps + `Adam <alpha: float = 0.5, beta: float = 0.0, epsilon: float = 0.0, norm_coefficient_post: float = -1.5> (r, t, x, g, v, h)`},
}

// TestWrittenNodes holds operators that ONNX's older cases lack to results
// worked out by hand, in both precisions.
func TestWrittenNodes(t *testing.T) {
	for _, c := range writtenNodes {
		for _, double := range []bool{false, true} {
			if err := c.check(double); err != nil {
				t.Errorf("%s, double %v: %v", c.nodes, double, err)
			}
		}
	}
}

func (c written) check(double bool) error {
	m, err := text.Parse(fmt.Sprintf("<ir_version: 10, opset_import: [\"\" : %d, %q : 1]>\ng () => ()\n<%s> {\n%s\n}\n",
		c.opset, strings.TrimSuffix(trainingOps, "."), c.consts, c.nodes))
	if err != nil {
		return err
	}
	fetches := []string{"y", "y is"}
	if strings.Contains(c.consts, `"z is"`) {
		fetches = append(fetches, "z", "z is")
	}
	plan, err := interp.New(m, interp.Options{Double: double, Fetches: fetches})
	if err == nil {
		got, runErr := plan.Run(context.Background(), nil)
		for i := 0; runErr == nil && i < len(fetches); i += 2 {
			runErr = conform.Compare(got[fetches[i]], got[fetches[i+1]])
		}
		err = runErr
	}
	switch {
	case c.err == "":
		return err
	case err == nil:
		return fmt.Errorf("no error, want one that says %q", c.err)
	case !strings.Contains(err.Error(), c.err):
		return fmt.Errorf("error %q, want one that says %q", err, c.err)
	}
	return nil
}
