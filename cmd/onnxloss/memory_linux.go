package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"syscall"

	"github.com/onnxloss/onnxloss/graph/onnx"
)

// watchMemory ends the program with a sentence, and the code of bad input, when
// it has nearly taken all of the address space that it may (ulimit -v): the
// runtime would end it with the code of wrong usage. Near the limit garbage is
// collected more often, and after each collection what is left is looked at.
// One that takes most of the room at a stroke is not caught.
func watchMemory(stderr io.Writer) {
	room := addressSpace()
	if room <= 0 {
		return
	}
	debug.SetMemoryLimit(room / 3 * 2)
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	type sentinel struct{ _ *byte } // not one of the runtime's tiny objects, which go together
	var look func(*sentinel)
	look = func(s *sentinel) {
		metrics.Read(live)
		if live[0].Value.Uint64() > uint64(room/3*2) {
			fmt.Fprintf(stderr, "onnxloss: out of memory: %d MB are in use, the limit on the address space (ulimit -v) leaves %d\n",
				live[0].Value.Uint64()/1e6, room/1e6)
			onnx.Abandon()
			os.Exit(exitBad)
		}
		runtime.SetFinalizer(s, look)
	}
	runtime.SetFinalizer(new(sentinel), look)
}

// addressSpace is the bytes that the process may still map; 0 for any number.
func addressSpace() int64 {
	var limit syscall.Rlimit
	status, err := os.ReadFile("/proc/self/statm")
	if err != nil || syscall.Getrlimit(syscall.RLIMIT_AS, &limit) != nil || limit.Cur >= 1<<62 {
		return 0
	}
	first, _, _ := bytes.Cut(status, []byte(" "))
	pages, err := strconv.ParseInt(string(first), 10, 64)
	if err != nil {
		return 0
	}
	return max(int64(limit.Cur)-pages*int64(os.Getpagesize()), 1<<20)
}
