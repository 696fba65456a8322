// Command figures makes the tables that say how good the losses' graphs are, and
// the models that graph/interp/bench times:
//
//	figures costs FILE    COSTS.md: nodes and passes of each loss
//	figures models DIR    a model of each loss alone, with its gradient
//
// NUMERICS.md is written by its test, which needs ONNX Runtime and PyTorch:
//
//	go test ./emit/figures -run Numerics -args -python /usr/bin/python3 -numerics NUMERICS.md
//
// and BENCHMARKS.md has what the script bench prints.
//
// Non-goals: pictures, which emit/curves draws, and anything that a user of the
// tool runs.
package main
