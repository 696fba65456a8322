package picture_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/patterns"
	"github.com/onnxloss/onnxloss/patterns/picture"
)

// chain is an excerpt of one block of each tint, each leading to the next, with
// name as the name of everything that a model names.
func chain(name string) *patterns.Excerpt {
	e := &patterns.Excerpt{}
	for _, t := range []patterns.Tint{patterns.Feature, patterns.Logits, patterns.Activated, patterns.Background, patterns.Classes,
		patterns.Boxes, patterns.Confidence, patterns.Mixed, patterns.Post, patterns.Ends} {
		b := &patterns.Block{Ops: []string{name, "Conv"}, Node: name, Tensor: name, Tint: t,
			Type:    graph.TensorOf(tensor.Float32, graph.Shape{graph.Known(1), graph.Named(name), graph.Unknown()}),
			Attrs:   []*graph.Attr{graph.String(name, name), graph.Ints("axes", make([]int64, 100)...)},
			Reasons: []patterns.Reason{{Text: name, For: "box", Weight: 4}}}
		e.Blocks = append(e.Blocks, b)
		if n := len(e.Blocks); n > 1 {
			e.Edges = append(e.Edges, [2]int{n - 2, n - 1})
		}
	}
	return e
}

var hostile = []string{
	"", "plain", "<script>alert(1)</script>", "</title><script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "]]>", "&amp;", "--><b>",
	"a\nb\x00c\x1b[31m\u202e\ufffe", "\xff\xfe bad \xc3", strings.Repeat("界", 1<<20), strings.Repeat("<", 1<<20), "'); DROP", "javascript:alert(1)",
}

// TestHostileNames: whatever names a model has, pictures are well-formed, small
// and hold no markup but their own.
func TestHostileNames(t *testing.T) {
	own := elements(t, drawn(t, chain("plain"), "plain"))
	markup := regexp.MustCompile(`<(/?[a-zA-Z!?][a-zA-Z0-9]*)`)
	page := func(name string) []byte {
		b, err := picture.HTML(t.Context(), chain(name), picture.Page{Caption: picture.Caption{Title: name, Text: name}, Facts: []string{name},
			Reasons: []patterns.Reason{{Text: name, For: name, Weight: 1}}, Next: name + ".", Notes: []string{name}, Whole: chain(name)})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	want := len(markup.FindAll(page("plain"), -1))
	for _, name := range hostile {
		h := page(name)
		from, to := bytes.Index(h, []byte("<svg")), bytes.Index(h, []byte("</svg>"))
		if got := elements(t, h[from:to+len("</svg>")]); got != own {
			t.Errorf("%.20q: elements %s, want %s", name, got, own)
		}
		if got := len(markup.FindAll(h, -1)); got != want {
			t.Errorf("%.20q: %d tags in the page, want %d", name, got, want)
		}
		if len(h) > 1<<18 || !utf8.Valid(h) || bytes.ContainsAny(h, "\x00\x1b\u202e") {
			t.Errorf("%.20q: %d bytes, or letters that are none", name, len(h))
		}
	}
}

func drawn(t *testing.T, e *patterns.Excerpt, name string) []byte {
	t.Helper()
	b, err := picture.SVG(t.Context(), e, picture.Caption{Title: name, Text: name})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// elements parses a document and gives the names of its elements in order.
func elements(t *testing.T, doc []byte) string {
	t.Helper()
	var names []string
	d := xml.NewDecoder(bytes.NewReader(doc))
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return strings.Join(names, " ")
		}
		if err != nil {
			t.Fatalf("%v in %.2000s", err, doc)
		}
		if x, ok := tok.(xml.StartElement); ok {
			names = append(names, x.Name.Local)
		}
	}
}

// TestViews: a page shows the head and the whole model, whose parts have names of their own,
// or the whole model alone.
func TestViews(t *testing.T) {
	for _, c := range []struct {
		head, whole *patterns.Excerpt
		views       int
	}{{chain("x"), chain("x"), 2}, {chain("x"), nil, 0}, {nil, chain("x"), 0}} {
		b, err := picture.HTML(t.Context(), c.head, picture.Page{Whole: c.whole})
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(b, []byte(`class="view"`)); n != c.views {
			t.Errorf("%d buttons for views, want %d", n, c.views)
		}
		seen := map[string]bool{}
		b, _, _ = bytes.Cut(b, []byte("<script>"))
		for _, m := range regexp.MustCompile(` id="([^"]+)"`).FindAllSubmatch(b, -1) {
			if id := string(m[1]); seen[id] {
				t.Errorf("two elements are called %s", id)
			} else {
				seen[id] = true
			}
		}
		for _, m := range regexp.MustCompile(`data-(?:from|to)="([^"]+)"|url\(#([^)]+)\)`).FindAllSubmatch(b, -1) {
			if id := string(m[1]) + string(m[2]); !seen[id] {
				t.Errorf("nothing is called %s", id)
			}
		}
	}
}

// TestSame: the same excerpt gives the same bytes.
// TestPolicy: a page allows itself its own styles and scripts alone, before anything that the
// policy must hold for, and refers to nothing.
func TestPolicy(t *testing.T) {
	b, err := picture.HTML(t.Context(), chain("a"), picture.Page{Whole: chain("b")})
	if err != nil {
		t.Fatal(err)
	}
	const policy = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">`
	before, _, found := bytes.Cut(b, []byte(policy))
	if want := "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"; !found || string(before) != want {
		t.Errorf("the policy comes after %q", before[:min(len(before), 200)])
	}
	own := bytes.ReplaceAll(b, []byte(`xmlns="http://www.w3.org/2000/svg"`), nil)
	if at := regexp.MustCompile(`(?i)https?:|\b(src|href|action|on[a-z]+)="|@import|url\([^#]`).FindIndex(own); at != nil {
		t.Errorf("the page refers to something: %q", own[at[0]:min(at[1]+60, len(own))])
	}
}

func TestSame(t *testing.T) {
	if a, b := drawn(t, chain("x"), "x"), drawn(t, chain("x"), "x"); !bytes.Equal(a, b) {
		t.Error("two pictures of one excerpt differ")
	}
}

// TestLayout: blocks do not overlap, and edges lead down.
func TestLayout(t *testing.T) {
	doc := drawn(t, chain("x"), "x")
	rect := regexp.MustCompile(`(?s)id="b\d+".*?<rect x="[-\d.]+" y="([-\d.]+)"`).FindAllSubmatch(doc, -1)
	if len(rect) != 10 {
		t.Fatalf("%d blocks, want 10", len(rect))
	}
	for i := 1; i < len(rect); i++ {
		if a, b := string(rect[i-1][1]), string(rect[i][1]); len(b) < len(a) || len(b) == len(a) && b <= a {
			t.Errorf("block %d at %s is not below %s", i, b, a)
		}
	}
	if n := bytes.Count(doc, []byte(`class="edge"`)); n != 9 {
		t.Errorf("%d edges, want 9", n)
	}
}

// TestInterrupted: a picture that is no longer wanted is given up.
func TestInterrupted(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := picture.SVG(ctx, chain("x"), picture.Caption{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// TestEmpty: an excerpt of nothing is a picture too.
func TestEmpty(t *testing.T) { elements(t, drawn(t, &patterns.Excerpt{}, "")) }
