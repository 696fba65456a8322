package visible

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"unicode/utf8"
)

func TestText(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"conv_1/weight:0", "conv_1/weight:0"},
		{"größe 数 é", "größe 数 é"},
		{"a\nb\tc\rd", `a\nb\tc\rd`},
		{"\x1b[31m\x00\x7f", `\x1b[31m\x00\x7f`},
		{"\u0085\u009b", `\u0085\u009b`},
		{"\u202eabc\u2066\u061c\u200f", `\u202eabc\u2066\u061c\u200f`},
		{"\u2028\u2029", `\u2028\u2029`},
		{"a\u200bb\u2060\ufeff\u00ad", `a\u200bb\u2060\ufeff\u00ad`},
		{"\U000e0041", `\U000e0041`},
		{"\u3164\u034f\ufe0f\U000e0100\u2800", `\u3164\u034f\ufe0f\U000e0100\u2800`},
		{"\u00a0\u3000", `\u00a0\u3000`},
		{"\ue000\ufffe\ufdd0", `\ue000\ufffe\ufdd0`},
		{"a\xffb\xed\xa0\x80", `a\xffb\xed\xa0\x80`},
		{"\ufffd", `\ufffd`},
	} {
		if got := Text(c.in); got != c.want {
			t.Errorf("%+q: %s, want %s", c.in, got, c.want)
		}
	}
	type word string
	got := fmt.Sprintf("%s %v %v %d %.1f %s %v", Args([]any{"\n", errors.New("\u202e"), stringer{}, 3, 0.25, word("\r"), []string{"a", "\n"}})...)
	if want := `\n \u202e \t 3 0.2 \r [a \n]`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

type stringer struct{}

func (stringer) String() string { return "\t" }

// FuzzText: what is printed is visible, in one line; a JSON document means the same.
func FuzzText(f *testing.F) {
	f.Add("a\nb\u202e\U000e0041\xff")
	f.Fuzz(func(t *testing.T, s string) {
		for _, r := range Text(s) {
			if !Rune(r) {
				t.Fatalf("%q", Text(s))
			}
		}
		doc, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var was, is string
		if json.Unmarshal(doc, &was) != nil || json.Unmarshal(JSON(doc), &is) != nil || was != is {
			t.Fatalf("%q, want %q", is, was)
		}
		for _, r := range string(JSON(doc)) {
			if !Rune(r) && r != utf8.RuneError {
				t.Fatalf("%q", JSON(doc))
			}
		}
	})
}
