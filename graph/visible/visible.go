// Package visible makes text that comes from a file safe to print: what a
// reader would not see, or what moves, hides or reorders other text, is
// written as an escape. Names in a model may be any bytes; this is what keeps
// one of them from passing for a line, or a word, of the program's own.
package visible

import (
	"bytes"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Rune reports whether r is shown as it is: letters, marks, digits,
// punctuation, symbols and the space. Others are control characters, format
// characters such as those that set the direction of writing, separators of
// lines, spaces that look like the usual one or like none, unassigned and
// private characters, and those that Unicode lets a display ignore.
func Rune(r rune) bool {
	return unicode.IsPrint(r) && r != utf8.RuneError && r != '\u2800' &&
		!unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// Text is s with all else as escapes of Go: \n, \x1b, \u202e. It has no line
// breaks. Bytes that are no UTF-8 are \x and two digits.
func Text(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return !Rune(r) }) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if Rune(r) {
			b.WriteString(s[:n])
		} else {
			b.WriteString(escape(s[:n], r))
		}
		s = s[n:]
	}
	return b.String()
}

// escape is r, which s begins with.
func escape(s string, r rune) string {
	switch {
	case r == utf8.RuneError && len(s) == 1:
		return fmt.Sprintf(`\x%02x`, s[0])
	case unicode.IsPrint(r): // which strconv lets be
		if r > 0xffff {
			return fmt.Sprintf(`\U%08x`, r)
		}
		return fmt.Sprintf(`\u%04x`, r)
	}
	q := strconv.QuoteRune(r)
	return q[1 : len(q)-1]
}

// Args is args with all but numbers and booleans made Text, for a format of the
// program's own that has %s or %v for them.
func Args(args []any) []any {
	shown := make([]any, len(args))
	for i, a := range args {
		switch k := reflect.ValueOf(a).Kind(); {
		case k >= reflect.Bool && k <= reflect.Complex128 && !prints(a):
			shown[i] = a
		default:
			shown[i] = Text(fmt.Sprint(a))
		}
	}
	return shown
}

// prints reports whether x has words of its own.
func prints(x any) bool {
	switch x.(type) {
	case error, fmt.Stringer:
		return true
	}
	return false
}

// JSON is a JSON document with all that Text would escape in its strings as
// \u and four digits. It means the same. Line breaks and tabs between its
// values stay.
func JSON(b []byte) []byte {
	plain := func(r rune) bool { return Rune(r) || r == '\n' || r == '\t' || r == '\r' }
	if !bytes.ContainsFunc(b, func(r rune) bool { return !plain(r) }) {
		return b
	}
	var out []byte
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case plain(r):
			out = append(out, b[:n]...)
		case r > 0xffff:
			r -= 0x10000
			out = fmt.Appendf(out, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		b = b[n:]
	}
	return out
}
