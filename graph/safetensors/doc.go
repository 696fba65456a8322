// Package safetensors reads and writes files of named arrays in the format of that name
// (https://github.com/huggingface/safetensors): eight bytes that say how long the header
// is, the header, which is JSON, and the elements.
//
// Invariants. Elements are written and read in pieces, never a whole file at once. A file
// that is read takes no more memory for its header than its size allows, and names no
// bytes that are outside of it or belong to two arrays.
//
// Non-goals: types that ONNX does not have.
package safetensors
