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
}

// policy keeps the page to itself: no network, no scripts but its own.
const policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"

// HTML is a page with the picture of e. Hovering over a block, or reaching it
// by keyboard, shows what is known of it and lights its neighbours.
func HTML(ctx context.Context, e *patterns.Excerpt, p Page) ([]byte, error) {
	svg, err := draw(ctx, e, p.Caption)
	if err != nil {
		return nil, err
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
	b.Write(svg)
	b.WriteString("</main>\n<aside>\n")
	b.WriteString(`<section id="block" hidden><h2>Block</h2><pre></pre></section>` + "\n")
	section(&b, "Head", p.Facts)
	evidence(&b, p.Reasons)
	if p.Next != "" {
		fmt.Fprintf(&b, "<section><h2>Next</h2><pre>%s</pre></section>\n", escape(clean(p.Next, 4096)))
	}
	section(&b, "Notes", p.Notes)
	fmt.Fprintf(&b, "</aside>\n<script>\n%s</script>\n</body>\n</html>\n", pageScript)
	return b.Bytes(), nil
}

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
