//go:build ortbench

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// childMemory is the peak memory, in bytes, of a process that runs the model
// once in an engine, less that of one that does nothing.
func childMemory(name, file string, size int) (float64, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	cmd := exec.Command(self, "-memory", name, "-library", library, "-size", strconv.Itoa(size), file)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(string(bytes.TrimSpace(out)), 64)
}

// printMemory prints by how many bytes the peak memory of the process grows
// while it loads the model and runs it once.
func printMemory(name, file string, size int) error {
	open := engines[name]
	if open == nil {
		return fmt.Errorf("there is no engine %q", name)
	}
	feeds, err := feedsOf(file, size)
	if err != nil {
		return err
	}
	before, err := peakMemory()
	if err != nil {
		return err
	}
	e, err := open(file, feeds, 1)
	if err != nil {
		return err
	}
	defer e.close()
	if err := e.run(); err != nil {
		return err
	}
	after, err := peakMemory()
	if err != nil {
		return err
	}
	fmt.Println(after - before)
	return nil
}

// peakMemory is the most memory that the process has had at once (VmHWM of
// proc_pid_status(5)).
func peakMemory() (int64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "VmHWM:" {
			kb, err := strconv.ParseInt(f[1], 10, 64)
			return kb * 1024, err
		}
	}
	return 0, fmt.Errorf("the system does not tell the peak memory")
}
