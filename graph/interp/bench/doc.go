// Command bench times the interpreter beside ONNX Runtime, and beside other Go
// libraries that run ONNX models, on the same machine in the same run. Only its
// build tag, ortbench, brings in cgo and the peers; run says how it is used,
// and BENCHMARKS.md in the folder above has what it printed.
//
// The engines take turns at one input, so that what else the machine does troubles
// all alike; the medians are compared. There is a pause before each run, for ONNX
// Runtime's threads go on looking for work, on a core of their own, for longer than
// a run takes. Memory is that of a process of its own for each engine.
package main
