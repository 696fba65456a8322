package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"
)

// overseen is set, to the bytes that there is room for, in the environment of a process
// that oversee started.
const overseen = "ONNXLOSS_ADDRESS_SPACE"

// oversee runs the program in a child process if the address space is limited (ulimit -v),
// and exits with its exit code. Go's runtime ends a process that runs out of memory with
// the exit code of a usage error and the stacks of all goroutines; oversee turns that into
// one sentence and the exit code of bad input. It returns if there is no limit or no
// process can be started and, with true, in the child.
func oversee(signals []os.Signal) bool {
	room := addressSpace()
	if room <= 0 {
		return false
	}
	if os.Getenv(overseen) != "" {
		debug.SetMemoryLimit(room / 3 * 2) // near the limit garbage is collected more often
		return true
	}
	runtime.LockOSThread() // whose end would end the other process
	errs := &crash{w: os.Stderr}
	p := exec.Cmd{Path: "/proc/self/exe", Args: os.Args, Env: append(os.Environ(), overseen+"="+strconv.FormatInt(room, 10)), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: errs}
	p.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	sent := make(chan os.Signal, 8)
	signal.Notify(sent, signals...)
	if p.Start() != nil {
		signal.Stop(sent)
		runtime.UnlockOSThread()
		return false
	}
	go func() {
		for s := range sent {
			p.Process.Signal(s)
		}
	}()
	_ = p.Wait() // the exit code says it
	code := p.ProcessState.ExitCode()
	switch state := p.ProcessState.Sys().(syscall.WaitStatus); {
	case code == exitUsage && errs.outOfMemory():
		fmt.Fprintf(os.Stderr, "onnxloss: out of memory: the limit on the address space (ulimit -v) leaves room for %d MB\n", room/1e6)
		code = exitBad
	case state.Signaled():
		code = 128 + int(state.Signal())
		fallthrough
	default:
		os.Stderr.Write(errs.held)
	}
	os.Exit(code)
	return false
}

// crash passes on what is written to it, up to what the runtime says before it ends the
// process, which it holds.
type crash struct {
	w    io.Writer
	line []byte // the last one, not yet ended
	held []byte
}

// mostHeld bounds the output kept of a crash, in bytes; the rest is dropped.
const mostHeld = 1 << 20

func (c *crash) Write(b []byte) (int, error) {
	if c.held == nil {
		for rest := b; len(rest) > 0; {
			line, after, ended := bytes.Cut(rest, []byte("\n"))
			c.line = append(c.line, line[:min(len(line), 256)]...)
			if bytes.HasPrefix(c.line, []byte("runtime: ")) || bytes.HasPrefix(c.line, []byte("fatal error: ")) {
				_, err := c.w.Write(b[:len(b)-len(rest)])
				c.held = bytes.Clone(rest)
				return len(b), err
			}
			if rest = after; ended {
				c.line = c.line[:0]
			}
		}
		return c.w.Write(b)
	}
	c.held = append(c.held, b[:min(len(b), mostHeld-len(c.held))]...)
	return len(b), nil
}

// outOfMemory reports whether the runtime ended the process because memory ran out.
func (c *crash) outOfMemory() bool {
	for _, said := range []string{"out of memory", "cannot allocate memory", "cannot map pages", "failed to create new OS thread", "newosproc"} {
		if bytes.Contains(c.held, []byte(said)) {
			return true
		}
	}
	return false
}

// addressSpace is how many bytes the process may still map; 0 means no limit.
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
