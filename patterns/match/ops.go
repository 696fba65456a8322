package match

import "github.com/onnxloss/onnxloss/graph"

// role is how an operator that computes treats its inputs.
type role uint8

const (
	unknown   role = iota
	maps           // element by element from input 0; others are parameters
	combines       // element by element from inputs 0 and 1, with broadcasting
	gates          // Sigmoid
	picks          // Softmax
	reduces        // over axes
	argues         // ArgMax, ArgMin
	ranks          // TopK
	contracts      // a layer or a product of two data
	selects        // rows of input 0, by indices
	compares       // to a truth value
	chooses        // Where
	asks           // shapes and sizes
	indexes        // truth values and indices from the same
)

// operator is one operator: its role and the mark it puts on what it reads.
type operator struct {
	role role
	mark Marks
}

// operators are those of ONNX's own domain and of the domains whose operators
// are the same on floats (com.microsoft's fused and quantized ones).
var operators = map[string]operator{
	"Sigmoid": {gates, Sigmoid}, "HardSigmoid": {gates, Sigmoid}, "QLinearSigmoid": {gates, Sigmoid},
	"Softmax": {picks, Softmax}, "LogSoftmax": {picks, Softmax}, "QLinearSoftmax": {picks, Softmax},
	"Exp": {maps, Exp}, "Sqrt": {maps, Root},
	"Relu": {maps, Rectify}, "LeakyRelu": {maps, Rectify}, "PRelu": {maps, Rectify}, "Elu": {maps, Rectify}, "Selu": {maps, Rectify},
	"Celu": {maps, Rectify}, "Softplus": {maps, Rectify}, "Softsign": {maps, Rectify}, "HardSwish": {maps, Rectify}, "Mish": {maps, Rectify},
	"Gelu": {maps, Rectify}, "ThresholdedRelu": {maps, Rectify}, "QLinearLeakyRelu": {maps, Rectify}, "FastGelu": {maps, Rectify},
	"QuickGelu": {maps, Rectify}, "BiasGelu": {maps, Rectify}, "Swish": {maps, Rectify}, "Hardmax": {maps, ArgMax}, "Shrink": {maps, Rectify},
	"Tanh": {maps, Curve}, "Sin": {maps, Curve}, "Cos": {maps, Curve}, "Tan": {maps, Curve}, "Atan": {maps, Curve}, "Asin": {maps, Curve},
	"Acos": {maps, Curve}, "Erf": {maps, Curve}, "Sinh": {maps, Curve}, "Cosh": {maps, Curve},
	"Abs": {maps, 0}, "Neg": {maps, 0}, "Log": {maps, 0}, "Ceil": {maps, Power}, "Floor": {maps, Power}, "Round": {maps, Power},
	"Reciprocal": {maps, 0}, "Sign": {maps, 0}, "Clip": {maps, Clip}, "CumSum": {maps, 0},
	"BatchNormalization": {maps, 0}, "InstanceNormalization": {maps, Norm}, "LayerNormalization": {maps, Norm},
	"GroupNormalization": {maps, Norm}, "LRN": {maps, Norm}, "LpNormalization": {maps, Norm}, "MeanVarianceNormalization": {maps, Norm},
	"RMSNormalization": {maps, Norm}, "SimplifiedLayerNormalization": {maps, Norm},
	"MaxPool": {maps, Pool}, "AveragePool": {maps, Pool}, "LpPool": {maps, Pool}, "GlobalAveragePool": {maps, Pool},
	"GlobalMaxPool": {maps, Pool}, "QLinearGlobalAveragePool": {maps, Pool}, "QLinearAveragePool": {maps, Pool},
	"Resize": {maps, Resize}, "Upsample": {maps, Resize}, "Pad": {maps, 0}, "Trilu": {maps, 0},
	"Add": {combines, 0}, "Sub": {combines, 0}, "Mul": {combines, 0}, "Div": {combines, 0}, "Pow": {combines, 0}, "Mod": {combines, 0},
	"Min": {combines, 0}, "Max": {combines, 0}, "Mean": {combines, 0}, "Sum": {combines, 0}, "QLinearAdd": {combines, 0}, "QLinearMul": {combines, 0},
	"ReduceMax": {reduces, 0}, "ReduceMin": {reduces, 0}, "ReduceSum": {reduces, 0}, "ReduceMean": {reduces, 0}, "ReduceProd": {reduces, 0},
	"ReduceL1": {reduces, 0}, "ReduceL2": {reduces, 0}, "ReduceLogSum": {reduces, 0}, "ReduceLogSumExp": {reduces, 0}, "ReduceSumSquare": {reduces, 0},
	"ArgMax": {argues, ArgMax}, "ArgMin": {argues, ArgMax}, "TopK": {ranks, 0},
	"Gather": {selects, 0}, "GatherND": {selects, 0}, "GatherElements": {selects, 0}, "Compress": {selects, 0},
	"ScatterND": {selects, 0}, "ScatterElements": {selects, 0}, "Scatter": {selects, 0},
	"Greater": {compares, Threshold}, "GreaterOrEqual": {compares, Threshold}, "Less": {compares, Threshold}, "LessOrEqual": {compares, Threshold},
	"Equal": {compares, 0}, "IsNaN": {compares, 0}, "IsInf": {compares, 0},
	"And": {indexes, 0}, "Or": {indexes, 0}, "Not": {indexes, 0}, "Xor": {indexes, 0}, "NonZero": {indexes, 0}, "Unique": {indexes, 0},
	"Where": {chooses, 0}, "Shape": {asks, 0}, "Size": {asks, 0},
	"Conv": {contracts, 0}, "ConvTranspose": {contracts, 0}, "Gemm": {contracts, 0}, "MatMul": {contracts, 0}, "Einsum": {contracts, 0},
	"ConvInteger": {contracts, 0}, "MatMulInteger": {contracts, 0}, "QLinearConv": {contracts, 0}, "QLinearMatMul": {contracts, 0},
	"DeformConv": {contracts, 0}, "RNN": {contracts, 0}, "LSTM": {contracts, 0}, "GRU": {contracts, 0}, "Attention": {contracts, 0},
	"FusedConv": {contracts, 0}, "FusedGemm": {contracts, 0}, "FusedMatMul": {contracts, 0}, "QGemm": {contracts, 0}, "NhwcConv": {contracts, 0},
	"MultiHeadAttention": {contracts, 0}, "MatMulNBits": {contracts, 0}, "RoiAlign": {contracts, 0}, "GridSample": {contracts, 0}, "MaxRoiPool": {contracts, 0},
	"DepthToSpace": {maps, Resize}, "SpaceToDepth": {maps, Resize},
}

func lookup(n *graph.Node) operator {
	switch graph.CanonicalDomain(n.Domain) {
	case "", "com.microsoft", "com.microsoft.nchwc", "ai.onnx.contrib":
		return operators[n.Op]
	}
	return operator{}
}

// operands are the inputs of n that carry values to compute with; the
// quantized operators have scales and zero points between them.
func operands(n *graph.Node) []int {
	switch n.Op {
	case "QLinearAdd", "QLinearMul":
		return []int{0, 3}
	case "QLinearConv", "QLinearMatMul":
		return []int{0, 3}
	case "QGemm":
		return []int{0, 3}
	}
	switch lookup(n).role {
	case combines:
		r := make([]int, len(n.Inputs))
		for i := range r {
			r[i] = i
		}
		return r
	case contracts:
		return []int{0, 1}
	}
	return []int{0}
}
