// Package tensor holds dense arrays of ONNX's element types.
//
// A Tensor is a DType, a Shape and a Store, always contiguous and row-major;
// what is strided (a transpose, a slice) is materialized by the kernel that
// makes it. Elements are one Go slice of the type that stands for the DType;
// Data gets it, typed, once per tensor, so no loop pays for an interface.
// Sequences and the empty optional are Tensors too, since ONNX lets them flow
// along the same edges.
//
// Non-goals: arithmetic (package kernel), file formats (package onnx), symbolic
// shapes (package graph).
package tensor
