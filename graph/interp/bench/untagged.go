//go:build !ortbench

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "bench is built with -tags ortbench: see graph/interp/bench/run")
	os.Exit(2)
}
