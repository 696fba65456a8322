package text

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

type tokenKind uint8

const (
	endToken    tokenKind = iota
	identToken            // a word
	numberToken           // digits, with sign, point and exponent
	stringToken           // the content of quotes
	markToken             // one character, or =>
)

// token is one word, number, string or mark of the text.
type token struct {
	kind tokenKind
	text string
	line int
}

func (k token) String() string {
	switch k.kind {
	case endToken:
		return "the end"
	case stringToken:
		return quote(k.text)
	}
	return fmt.Sprintf("%q", k.text)
}

func (k token) is(mark string) bool { return k.kind == markToken && k.text == mark }

func (k token) int(bits int) (int64, error) {
	x, err := strconv.ParseInt(k.text, 10, bits)
	if k.kind != numberToken || err != nil {
		return 0, fmt.Errorf("%v, expected an integer of %d bits", k, bits)
	}
	return x, nil
}

func (k token) uint(bits int) (uint64, error) {
	x, err := strconv.ParseUint(k.text, 10, bits)
	if k.kind != numberToken || err != nil {
		return 0, fmt.Errorf("%v, expected an unsigned integer of %d bits", k, bits)
	}
	return x, nil
}

func (k token) float(bits int) (float64, error) {
	switch {
	case k.kind == identToken && k.text == "nan":
		return math.NaN(), nil
	case k.kind == identToken && k.text == "inf":
		return math.Inf(1), nil
	case k.kind == numberToken && k.text == "-inf":
		return math.Inf(-1), nil
	}
	x, err := strconv.ParseFloat(k.text, bits)
	if k.kind != numberToken || err != nil {
		return 0, fmt.Errorf("%v, expected a number", k)
	}
	return x, nil
}

// lexer cuts the text into tokens. A # begins a comment to the end of its line.
type lexer struct {
	s    string
	line int
}

func (l *lexer) space() {
	for l.s != "" {
		switch c := l.s[0]; {
		case c == '\n':
			l.line++
		case c == '#':
			if i := strings.IndexByte(l.s, '\n'); i >= 0 {
				l.s = l.s[i:]
			} else {
				l.s = ""
			}
			continue
		case c != ' ' && c != '\t' && c != '\r':
			return
		}
		l.s = l.s[1:]
	}
}

// take cuts off the first n bytes as a token.
func (l *lexer) take(kind tokenKind, n int) token {
	k := token{kind, l.s[:n], l.line}
	l.s = l.s[n:]
	return k
}

func (l *lexer) next() (token, error) {
	l.space()
	if l.s == "" {
		return token{line: l.line}, nil
	}
	switch c := l.s[0]; {
	case c == '"':
		return l.quoted()
	case c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.' && len(l.s) > 1 && l.s[1] >= '0' && l.s[1] <= '9':
		return l.number(), nil
	case isIdent(l.s[:1]):
		n := 1
		for n < len(l.s) && isIdent("_"+l.s[n:n+1]) {
			n++
		}
		return l.take(identToken, n), nil
	case strings.HasPrefix(l.s, "=>"):
		return l.take(markToken, 2), nil
	case strings.IndexByte("()[]{}<>=,:.?@", c) >= 0:
		return l.take(markToken, 1), nil
	}
	return token{}, fmt.Errorf("line %d: character %q", l.line, l.s[0])
}

func (l *lexer) number() token {
	if strings.HasPrefix(l.s, "-inf") {
		return l.take(numberToken, 4)
	}
	n := 1
	for n < len(l.s) {
		c := l.s[n]
		sign := (c == '-' || c == '+') && (l.s[n-1]|0x20) == 'e'
		if (c < '0' || c > '9') && c != '.' && c|0x20 != 'e' && !sign {
			break
		}
		n++
	}
	return l.take(numberToken, n)
}

func (l *lexer) quoted() (token, error) {
	k := token{kind: stringToken, line: l.line}
	var b strings.Builder
	for i := 1; i < len(l.s); i++ {
		switch c := l.s[i]; c {
		case '"':
			k.text, l.s = b.String(), l.s[i+1:]
			return k, nil
		case '\\':
			if i++; i < len(l.s) {
				b.WriteByte(l.s[i])
			}
		case '\n':
			l.line++
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	return k, fmt.Errorf("line %d: unterminated string", k.line)
}
