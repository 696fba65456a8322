package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/onnxloss/onnxloss/graph/thorough"
)

//go:embed testdata/browser.js
var browserScript string

// TestPageInBrowser opens the page of inspect --html in Chromium, at the widths of a screen
// and a phone: testdata/browser.js uses it and names what does not work. The page may
// reach no server.
func TestPageInBrowser(t *testing.T) {
	if thorough.Every(2) != 1 {
		t.Skip("ONNXLOSS_THOROUGH is not set")
	}
	browser := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if at, err := exec.LookPath(name); err == nil {
			browser = at
		}
	}
	if browser == "" {
		t.Skip("Chromium is not installed")
	}
	var reached atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer server.Close()
	for _, model := range []string{"yolov1.onnx", "two_stage.onnx"} {
		page := filepath.Join(t.TempDir(), "head.html")
		if code, _, stderr := call(t.Context(), "inspect", "-q", "../../testdata/models/"+model, "--html", page); code != 0 {
			t.Fatalf("exit %d: %s", code, stderr)
		}
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		script := strings.ReplaceAll(browserScript, "SERVER", server.URL)
		framed := strings.Replace(string(text), "</body>", "<script>\n"+script+"</script>\n</body>", 1)
		for _, width := range []int{1280, 390} {
			t.Run(fmt.Sprintf("%s at %d", model, width), func(t *testing.T) {
				for _, problem := range browse(t, browser, framed, width) {
					t.Error(problem)
				}
			})
		}
	}
	if n := reached.Load(); n > 0 {
		t.Errorf("the page made %d requests", n)
	}
}

// browse opens a page in a frame of the given width and returns what its script reports.
func browse(t *testing.T, browser, page string, width int) (problems []string) {
	dir := t.TempDir()
	outer := filepath.Join(dir, "outer.html")
	frame := fmt.Sprintf(`<!DOCTYPE html><body><iframe width="%d" height="800" srcdoc="%s"></iframe></body>`, width, html.EscapeString(page))
	if err := os.WriteFile(outer, []byte(frame), 0o666); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, browser, "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1400,900",
		"--user-data-dir="+filepath.Join(dir, "profile"), "--virtual-time-budget=20000", "--dump-dom", "file://"+outer)
	cmd.WaitDelay = time.Second
	dom, err := cmd.Output()
	found := regexp.MustCompile(`data-problems="([^"]*)"`).FindSubmatch(dom)
	if found == nil {
		t.Fatalf("the script did not end: %v\n%.400s", err, dom)
	}
	if err := json.Unmarshal([]byte(html.UnescapeString(string(found[1]))), &problems); err != nil {
		t.Fatal(err)
	}
	return problems
}
