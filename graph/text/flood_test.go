package text

import (
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph/limits"
)

// TestTextFloods parses texts in which one thing is repeated: each is refused
// with a sentence, or takes at most what its size allows.
func TestTextFloods(t *testing.T) {
	const size = 2 << 20
	many := func(s string) string { return strings.Repeat(s, size/len(s)) }
	numbered := func(format string) string {
		var b strings.Builder
		for i := 0; b.Len() < size; i++ {
			b.WriteString(strings.ReplaceAll(format, "#", strconv.Itoa(i)))
		}
		return b.String()
	}
	body := func(s string) string { return "g () => () {" + s + "}" }
	for name, text := range map[string]string{
		"nodes":       body(numbered("a#=A() ")),
		"no outputs":  body(many("=A()")),
		"outputs":     body(numbered("a#,") + "z=A()"),
		"inputs":      body("=A(" + many(`"",`) + `"")`),
		"attributes":  body("=A<" + numbered("a#=1,") + "z=1>()"),
		"graphs":      body("=A<a=[" + many("g()=>(){},") + "g()=>(){}]>()"),
		"ints":        body("=A<a=[" + many("1,") + "1]>()"),
		"strings":     body("=A<a=[" + many(`"",`) + `""]>()`),
		"elements":    "g () => () <float[9] w = {" + many("1,") + "1}> {}",
		"dimensions":  "g (float[" + many("?,") + "?] x) => () {}",
		"types":       "g () => () <" + numbered("x#,") + "x> {}",
		"metadata":    "<metadata_props: [" + many(`"":"",`) + `"":""]> g () => () {}`,
		"opsets":      "<opset_import: [" + many(`"":1,`) + `"":1]> g () => () {}`,
		"functions":   "g () => () {}" + numbered(" f#()=>(){}"),
		"parentheses": "g " + many("("),
		"types in":    "g (" + many("seq(") + ")",
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			m, err := Parse(text)
			runtime.GC()
			runtime.ReadMemStats(&after)
			if live, most := int64(after.HeapAlloc-before.HeapAlloc), limits.Memory(int64(len(text))); err == nil && live > most {
				t.Errorf("%d MB are kept, want at most %d", live>>20, most>>20)
			}
			if all := int64(after.TotalAlloc - before.TotalAlloc); all > 4*limits.Memory(int64(len(text))) {
				t.Errorf("%d MB are taken in all", all>>20)
			}
			t.Log(int64(after.HeapAlloc-before.HeapAlloc)>>20, (after.TotalAlloc-before.TotalAlloc)>>20, err)
			runtime.KeepAlive(m)
		})
	}
}
