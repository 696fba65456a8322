package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/onnxloss/onnxloss/graph/visible"
)

// progress is one line on a terminal: the current stage, the number of stages, the time
// elapsed and an estimate of the time left. Elsewhere it shows nothing.
type progress struct {
	w     io.Writer
	verb  string
	began time.Time
	end   func() // removes the line; may be called again

	mu    sync.Mutex
	n     int // the stage, from 1; 0 before the first
	of    int
	what  string
	shown bool // the line is there
}

// startProgress shows progress until end is called: only on a terminal, and not with
// --quiet.
func startProgress(c *cli.Context, verb string) *progress {
	p := &progress{w: c.App.ErrWriter, verb: verb, began: time.Now(), end: func() {}}
	if c.Bool("quiet") || !isTerminal(p.w) {
		return p
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	p.end = sync.OnceFunc(func() {
		close(stop)
		<-stopped
		p.clear()
	})
	go func() {
		defer close(stopped)
		p.show(stop)
	}()
	return p
}

// show redraws the line at intervals; work that ends before the first one shows nothing.
func (p *progress) show(stop <-chan struct{}) {
	t := time.NewTicker(250 * time.Millisecond)
	defer t.Stop()
	for {
		select {
		case <-stop:
			return
		case now := <-t.C:
			p.mu.Lock()
			line := p.line(now.Sub(p.began))
			fmt.Fprintf(p.w, "\r\x1b[K%s", short(line, max(columns(p.w)-1, leastWidth/2)))
			p.shown = true
			p.mu.Unlock()
		}
	}
}

// line is the text after the time elapsed. The estimate assumes stages of equal length.
func (p *progress) line(elapsed time.Duration) string {
	line := p.verb
	if p.n > 0 {
		line += fmt.Sprintf(" %d of %d: %s", p.n, p.of, visible.Text(p.what))
	}
	line += fmt.Sprintf(", %v", elapsed.Round(time.Second))
	if done := p.n - 1; done > 0 {
		left := elapsed / time.Duration(done) * time.Duration(p.of-done)
		line += fmt.Sprintf(", about %v left", left.Round(time.Second))
	}
	return line
}

// stage announces stage n of a total.
func (p *progress) stage(n, of int, what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n, p.of, p.what = n, of, what
}

// clear removes the line until it is drawn again, to make room for other text.
func (p *progress) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}
