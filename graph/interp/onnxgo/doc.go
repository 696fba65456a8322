// Package onnxgo runs the models of onnx-go's users on the interpreter: a
// Backend is a computation backend of github.com/owulveryck/onnx-go.
//
//	b := onnxgo.NewBackend()
//	m := onnx.NewModel(b)
//	err := m.UnmarshalBinary(file)
//	err = m.SetInput(0, image)
//	err = b.Run()
//	outputs, err := m.GetOutputTensors()
//
// onnx-go decodes the file and calls the Backend to build a graph of values;
// Run turns that into a graph.Model and plans it once for each set of input
// types. Inputs and results are gorgonia tensors.
//
// What the decoder drops is inferred. It does not say
//
//   - the opset: it is inferred from the forms that nodes have (see
//     WithOpset), since the meaning of some operators depends on it;
//   - which values are graph inputs: a value that nothing produces is an input
//     if it is given after decoding, else a constant; one that was declared
//     and never given is an error;
//   - which values are graph outputs: what was declared, or is read by nobody,
//     is computed and kept.
//
// What it refuses stays refused: subgraphs, sparse and 16-bit tensors, tensors
// in external files or without elements. Operators of other domains than ONNX's own cannot be told
// from those.
//
// A Backend holds one model, and is not for concurrent use: its nodes carry the
// tensors of one run.
package onnxgo
