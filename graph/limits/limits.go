// Package limits has the bounds of everything that reads, in one place. Each
// is far above what a file of use needs; a file beyond one is refused with a
// sentence. What a run takes is bounded by interp.Options.MaxMemory instead.
package limits

// Memory that a reader may take for a file of n bytes: Factor·n + Base bytes,
// beside what the program takes without a file.
const (
	Factor = 10
	Base   = 48 << 20
)

// Memory is the bytes that a reader may take for a file of n bytes.
func Memory(n int64) int64 { return Factor*n + Base }

// Structure is the bytes of nodes, attributes, values and constants without
// their elements that a model's file of n bytes may describe: 15 n + 16 MiB,
// which is less than Memory up to 6 MiB. Exporters' files describe less than
// 8 n. The densest of use is a chain of nodes that have neither names nor
// attributes: 26 bytes a node, for which 390 are taken. A million of them can
// be read.
func Structure(n int64) int64 { return 15*n + 16<<20 }

// Of models in protobuf.
const (
	// File is the bytes of a model's file, without external data: protobuf's
	// own limit on a message.
	File = 1<<31 - 1
	// Depth is how many graphs, values or groups may lie inside each other.
	// Exporters nest a handful.
	Depth = 64
	// Nesting is how many messages may lie inside each other in what the
	// generated types decode, such as types of elements of sequences.
	Nesting = 200
	// Header is the bytes of one message that are neither nodes, nor graphs,
	// nor tensors. Exporters' lists of integers reach some MiB.
	Header = 128 << 20
	// Rank is the dimensions of a tensor or a shape. NumPy allows 64.
	Rank = 1 << 10
	// Opsets is the operator sets that a model or a function imports.
	Opsets = 1 << 10
	// Word and Words are the bytes and the number of the names of operators
	// and domains that are held once each. Others are read, too.
	Word, Words = 64, 4096
)

// TextDepth is how many graphs or types may lie inside each other in ONNX's
// text form.
const TextDepth = 64

// Of NumPy's files.
const (
	// ArrayHeader is the bytes of an array's header, one short dictionary.
	ArrayHeader = 1 << 16
	// Entries is the arrays of an archive.
	Entries = 1 << 16
	// Ratio is how many times its size an archive's entry may have once
	// expanded: more than deflate reaches. Memory bounds it as well.
	Ratio = 1100
)

// List is the bytes of a JSON file with a number for each class: enough for a
// million.
const List = 16 << 20

// Pixels is the pixels of an image that ImageDecoder decodes, by its header.
const Pixels = 1 << 26
