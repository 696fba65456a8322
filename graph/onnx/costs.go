package onnx

import "github.com/onnxloss/onnxloss/graph/limits"

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
	"ModelProto.opset_import":   {record: opsetCost, most: limits.Opsets},
	"ModelProto.metadata_props": {record: pairCost},
	"ModelProto.training_info":  {record: 320},
	"ModelProto.functions":      {record: 2048},

	"FunctionProto.opset_import":    {record: opsetCost, most: limits.Opsets},
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

	"TensorProto.dims":       {perByte: 8, most: limits.Rank},
	"SparseTensorProto.dims": {perByte: 8, most: limits.Rank},
	"TensorShapeProto.dim":   {record: 24, most: limits.Rank},

	"TypeProto.Sequence.elem_type": {record: 48},
	"TypeProto.Optional.elem_type": {record: 48},
	"TypeProto.Map.value_type":     {record: 48},

	"SequenceProto.tensor_values":        {record: 288},
	"SequenceProto.sparse_tensor_values": {record: 288},
	"SequenceProto.sequence_values":      {record: 192},
	"SequenceProto.optional_values":      {record: 192},
}
