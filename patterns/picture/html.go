package picture

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"

	"github.com/onnxloss/onnxloss/patterns"
)

//go:embed page.css
var pageStyle string

//go:embed page.js
var pageScript string

// Page is what an HTML page has around its picture: facts of the model and the
// head, the evidence, and the command to use next, which may be empty.
type Page struct {
	Caption
	Facts   []string
	Reasons []patterns.Reason
	Next    string
	Notes   []string
	// Whole is the whole model, to be shown in place of the head; nil for none. Without a
	// head it is all that is shown.
	Whole *patterns.Excerpt
}

// policy keeps the page to itself: no network, no scripts but its own.
const policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

// HTML is a page with the picture of e, which may be nil where there is p.Whole. It fits
// the window, and can be zoomed, moved and searched. Hovering over a block, or reaching it
// by keyboard, shows what is known of it and lights its neighbours.
func HTML(ctx context.Context, e *patterns.Excerpt, p Page) ([]byte, error) {
	var views []view
	for _, v := range []view{{e, "head", "Head", nil}, {p.Whole, "whole", "Whole model", nil}} {
		if v.excerpt == nil {
			continue
		}
		var err error
		if v.svg, err = draw(ctx, v.excerpt, p.Caption, v.id+"-"); err != nil {
			return nil, err
		}
		views = append(views, v)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="%s">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>%s</title>
<style>
%s</style>
</head>
<body>
<main>
`, policy, escape(clean(p.Title, detailRunes)), pageStyle)
	b.WriteString(`<nav aria-label="Picture">`)
	if len(views) > 1 {
		for i, v := range views {
			fmt.Fprintf(&b, `<button class="view" data-view="%s" aria-pressed="%t">%s</button>`, v.id, i == 0, v.words)
		}
	}
	b.WriteString(tools)
	for i, v := range views {
		hidden := ""
		if i > 0 {
			hidden = " hidden"
		}
		fmt.Fprintf(&b, `<div class="canvas" id="%s"%s>`+"\n%s</div>\n", v.id, hidden, v.svg)
	}
	b.WriteString("</main>\n<aside>\n")
	b.WriteString(`<section id="block" hidden><h2>Block</h2><pre></pre></section>` + "\n")
	section(&b, "Model", p.Facts)
	evidence(&b, p.Reasons)
	if p.Next != "" {
		fmt.Fprintf(&b, `<section><h2>Next</h2><pre id="next">%s</pre><button id="copy">Copy</button></section>`+"\n", escape(clean(p.Next, 4096)))
	}
	section(&b, "Notes", p.Notes)
	fmt.Fprintf(&b, "</aside>\n<script>\n%s</script>\n</body>\n</html>\n", pageScript)
	return b.Bytes(), nil
}

// view is one of a page's pictures.
type view struct {
	excerpt   *patterns.Excerpt
	id, words string
	svg       []byte
}

// tools are the controls above a picture.
const tools = `<button id="fit" title="fit the window (0)">Fit</button><button id="closer" title="zoom in (+)" aria-label="zoom in">+</button>` +
	`<button id="farther" title="zoom out (−)" aria-label="zoom out">−</button><input id="find" type="search" placeholder="Search operators, nodes, tensors" aria-label="search">` +
	`<output id="found"></output><button id="theme">Dark</button></nav>
`

func section(b *bytes.Buffer, title string, list []string) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(b, "<section><h2>%s</h2><ul>\n", title)
	for _, x := range list {
		fmt.Fprintf(b, "<li>%s</li>\n", escape(clean(x, 400)))
	}
	b.WriteString("</ul></section>\n")
}

func evidence(b *bytes.Buffer, list []patterns.Reason) {
	if len(list) == 0 {
		return
	}
	b.WriteString("<section><h2>Evidence</h2><table>\n")
	for _, r := range list {
		class, weight, role := "for", fmt.Sprintf("+%.1f", r.Weight), ""
		if r.Against() {
			class, weight, role = "against", fmt.Sprintf("−%.1f", r.Weight), " (for "+r.For+")"
		}
		if r.Weight == 0 {
			weight = "+"
		}
		fmt.Fprintf(b, `<tr class="%s"><td>%s</td><td>%s</td></tr>`+"\n", class, weight, escape(clean(r.Text+role, 400)))
	}
	b.WriteString("</table><p>" + scale + "</p></section>\n")
}

// scale says what weights mean.
const scale = "A weight of 1 is a hint, 3 is good evidence, 5 settles the matter unless contradicted."
