// Package op is the operator table: what each ONNX operator means, in one
// place.
//
// A row (Op) holds an operator's equation, the opset versions at which its
// schema changed, its arity, its shape rule, its kernel, its gradient rule or
// the reason why there is none, where and how closely that gradient is checked,
// and what becomes of channels (package flow). Rows are made in files named for a
// family or one operator, which register them; a completeness test ranges over the
// table. The table itself and what its rows are written in are the files table_*.go;
// sizes that are names are package symbol.
//
// Vocabulary. A Spec is one node as a kernel maker sees it: attributes,
// version, inputs that are known before the run. A Kernel is the closure that
// a maker returns; it is called once for each run of the node with a Call,
// which hands out inputs, allocates outputs and splits loops over workers. A
// Fact is what shape inference knows of a value: its type, and for small
// integer tensors their elements, each a number, a name or unknown.
//
// What lets nodes run together is here, too: a Piece is an elementwise operator's work on
// a few elements; a View is what an operator that only rearranges its input does to the
// layout (SliceView, TransposeView). MakeConv adds to a convolution an Epilogue, which is
// Pieces applied to each piece of its output, or SpaceToDepth, which are the slices of a
// tensor that it reads joined; MakeConvStripes is several convolutions. Where shapes of a
// run do not fit, these kernels give ErrUnfit, and the nodes run one by one.
//
// The functions on values (Mul, Sigmoid, ReduceSum, …) build graphs: they
// append one node to the graph of their operands, in the form that the graph's
// opset wants, and infer the result's type by the same rows. The first error
// sticks to the graph (Graph.Fail) and is reported once.
//
// Invariants. A maker does all that depends on attributes alone; a Kernel never
// trusts a shape. No kernel panics or allocates without bound on any input.
// Kernels are generic over float32 and float64, so that a float32 graph can be
// run in float64: a maker maps attribute dtypes through Spec.DType.
//
// Why one package: rows of one kind are written with the helpers of others. The
// quantized operators alone use 39 unexported names of the rest, among them the shape
// rules of Conv and MatMul; and a table in several packages would lack the rows of
// those that a program does not import.
//
// Non-goals: loops over elements (package kernel), order of execution and
// memory (package interp).
package op
