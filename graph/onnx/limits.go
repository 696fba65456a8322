package onnx

// Bounds on what a file may ask for. Each is far above what exporters write.
const (
	// maxDepth is how deep graphs, values or groups may lie inside each other.
	// Exporters nest a handful of them.
	maxDepth = 64
	// maxNesting is how deep messages may lie inside each other where the
	// generated types decode them, such as types of elements of sequences.
	maxNesting = 200
	// maxHeader bounds the bytes of one message that are neither nodes, nor
	// graphs, nor tensors. Those of exporters reach some MiB, as lists of
	// integers.
	maxHeader = 128 << 20
	// maxRank bounds the dimensions of a tensor or a shape. NumPy allows 64.
	maxRank = 1 << 10
	// maxOpsets bounds the operator sets that a model or a function imports.
	maxOpsets = 1 << 10

	// The names of operators and domains up to maxWord bytes are held once
	// each, as long as there are at most maxWords.
	maxWord  = 64
	maxWords = 4096

	// A file of n bytes may describe structureFactor·n + structureBase bytes
	// of structure, as weigher counts them: at most 10 n + 64 MB up to 10 MB.
	// Files of exporters describe less than 8 n. The densest of use is a chain
	// of nodes that have neither names nor attributes, 26 bytes a node, for
	// which 390 are taken; a million of them can be read.
	structureFactor = 15
	structureBase   = 16 << 20

	// A sparse constant of a file of n bytes may take denseFactor·n + denseBase
	// bytes once dense.
	denseFactor = 10
	denseBase   = 64 << 20
)

// cost is what a field takes in the objects of package graph: bytes for each
// record and for each byte of its content, and how many records or, of packed
// numbers, bytes a message may have, 0 for any number.
type cost struct{ record, perByte, most int64 }

// The cost of a value with its entry in the graph's table of names, of an
// operator set and of a pair of strings. These and those below are sizes of
// structs on a 64-bit machine, with the slack of slices and maps that grow.
const (
	valueCost = 112 + 40 + 8
	pairCost  = 2 * 32
	opsetCost = 2 * 24
)

// costs is the fields that take more than the bytes of their text, by message
// and name.
var costs = map[string]cost{
	"ModelProto.opset_import":   {record: opsetCost, most: maxOpsets},
	"ModelProto.metadata_props": {record: pairCost},
	"ModelProto.training_info":  {record: 2 * 16},
	"ModelProto.functions":      {record: 2048},

	"FunctionProto.opset_import":    {record: opsetCost, most: maxOpsets},
	"FunctionProto.input":           {record: valueCost},
	"FunctionProto.output":          {record: 2 * 16},
	"FunctionProto.attribute":       {record: 2 * 16},
	"FunctionProto.node":            {record: 176 + 8},
	"FunctionProto.attribute_proto": {record: 320},
	"FunctionProto.value_info":      {record: 256},

	"GraphProto.node":                    {record: 176 + 8},
	"GraphProto.initializer":             {record: 256 + valueCost},
	"GraphProto.sparse_initializer":      {record: 320 + valueCost},
	"GraphProto.input":                   {record: 256 + valueCost},
	"GraphProto.output":                  {record: 256},
	"GraphProto.value_info":              {record: 256},
	"GraphProto.quantization_annotation": {record: 2 * 64},

	"NodeProto.input":     {record: 8 + 16},
	"NodeProto.output":    {record: 8 + valueCost},
	"NodeProto.attribute": {record: 320},

	"AttributeProto.g":              {record: 1536},
	"AttributeProto.graphs":         {record: 1536},
	"AttributeProto.t":              {record: 224},
	"AttributeProto.tensors":        {record: 224},
	"AttributeProto.sparse_tensor":  {record: 288},
	"AttributeProto.sparse_tensors": {record: 288},
	"AttributeProto.strings":        {record: 2 * 16},
	"AttributeProto.tp":             {record: 48},
	"AttributeProto.type_protos":    {record: 2 * 48},

	"TensorProto.dims":       {perByte: 8, most: maxRank},
	"SparseTensorProto.dims": {perByte: 8, most: maxRank},
	"TensorShapeProto.dim":   {record: 24, most: maxRank},

	"TypeProto.Sequence.elem_type": {record: 48},
	"TypeProto.Optional.elem_type": {record: 48},
	"TypeProto.Map.value_type":     {record: 48},

	"SequenceProto.tensor_values":        {record: 288},
	"SequenceProto.sparse_tensor_values": {record: 288},
	"SequenceProto.sequence_values":      {record: 192},
	"SequenceProto.optional_values":      {record: 192},
}
