// Package text prints and parses models in ONNX's own text syntax, the one that
// onnx.printer and onnx.parser of the Python package read and write.
package text
