// Command mutate asks how sharp the tests are: it draws single changes of the program's
// code that alter what it does, runs the tests of the changed package and of those above
// it, and lists the changes that no test notices. No file of the tree is touched.
//
//	go run .ci/mutate/main.go -n 300 -seed 1
//	go run .ci/mutate/main.go -n 40 -seed 7 patterns patterns/match
//
// Changes that do not compile are drawn again. What survives is to be read: some changes
// alter nothing that anybody can see.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// judges are the packages whose tests hold a package, the cheapest first; a package that
// is not listed has its own.
var judges = map[string][]string{
	"graph":                 {"graph", "graph/text", "graph/onnx", "patterns"},
	"graph/tensor":          {"graph/tensor/npy", "graph/op"},
	"graph/internal/kernel": {"graph/internal/kernel", "graph/op", "graph/interp"},
	"graph/op":              {"graph/op", "graph/interp", "patterns"},
	"graph/interp":          {"graph/interp", "emit/verify"},
	"graph/interp/plan":     {"graph/interp/plan", "graph/interp"},
	"graph/interp/fuse":     {"graph/interp/fuse", "graph/interp"},
	"graph/interp/pool":     {"graph/interp/pool", "graph/interp"},
	"graph/grad":            {"graph/grad", "emit/loss", "emit"},
	"graph/opset":           {"graph/opset", "emit"},
	"graph/onnx":            {"graph/onnx", "cmd/onnxloss"},
	"patterns/match":        {"patterns/match", "patterns", "emit"},
	"patterns":              {"patterns", "emit", "cmd/onnxloss"},
	"patterns/rule":         {"patterns/rule", "patterns", "emit"},
	"emit/loss":             {"emit/loss", "emit/verify"},
	"emit/loss/class":       {"emit/loss", "emit/verify"},
	"emit/loss/box":         {"emit/loss", "emit/verify"},
	"emit/loss/confidence":  {"emit/loss", "emit/verify"},
	"emit":                  {"emit", "emit/verify", "cmd/onnxloss"},
	"emit/verify":           {"emit/verify", "cmd/onnxloss"},
}

// packages are those that changes are drawn from where none are named.
var packages = []string{"graph", "graph/internal/kernel", "graph/op", "graph/interp", "graph/interp/plan", "graph/interp/fuse", "graph/onnx", "graph/grad",
	"patterns", "patterns/match", "patterns/rule", "emit", "emit/loss", "emit/loss/class", "emit/loss/box", "emit/verify", "cmd/onnxloss"}

// change is one edit of a file.
type change struct {
	pkg, file string
	line      int
	from, to  int // bytes of the file
	text      string
	was       string
}

func (c change) String() string {
	return fmt.Sprintf("%s:%d: %s → %s", c.file, c.line, strconv.Quote(c.was), strconv.Quote(c.text))
}

func main() {
	n := flag.Int("n", 100, "judge `N` changes")
	seed := flag.Uint64("seed", 1, "draw them by `SEED`")
	limit := flag.Duration("timeout", 3*time.Minute, "give a package's tests so `LONG`; what takes longer is noticed")
	short := flag.Bool("short", false, "run the tests with -short")
	flag.Parse()
	if flag.NArg() > 0 {
		packages = flag.Args()
	}
	if err := run(*n, *seed, *limit, *short); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

func run(n int, seed uint64, limit time.Duration, short bool) error {
	var all []change
	for _, pkg := range packages {
		files, err := filepath.Glob(filepath.Join(pkg, "*.go"))
		if err != nil {
			return err
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			list, err := changes(pkg, file)
			if err != nil {
				return err
			}
			all = append(all, list...)
		}
	}
	r := rand.New(rand.NewPCG(seed, 0))
	r.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
	fmt.Printf("%d changes to draw from\n", len(all))
	caught, judged := map[string]int{}, map[string]int{}
	for _, c := range all {
		if n == 0 {
			break
		}
		by, err := judge(c, limit, short)
		if errors.Is(err, errInvalid) {
			continue
		}
		if err != nil {
			return err
		}
		n--
		judged[c.pkg]++
		if by != "" {
			caught[c.pkg]++
			fmt.Printf("noticed   %v (%s)\n", c, by)
		} else {
			fmt.Printf("SURVIVED  %v\n", c)
		}
	}
	total, found := 0, 0
	for _, pkg := range packages {
		if judged[pkg] > 0 {
			fmt.Printf("%-22s %3d of %3d\n", pkg, caught[pkg], judged[pkg])
		}
		total, found = total+judged[pkg], found+caught[pkg]
	}
	fmt.Printf("%-22s %3d of %3d: %.0f %%\n", "all", found, total, 100*float64(found)/float64(max(total, 1)))
	return nil
}

var errInvalid = errors.New("does not compile")

// judge is the package whose tests notice c; "" if none do.
func judge(c change, limit time.Duration, short bool) (string, error) {
	src, err := os.ReadFile(c.file)
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	changed, overlay := filepath.Join(dir, "changed.go"), filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(changed, slices.Concat(src[:c.from], []byte(c.text), src[c.to:]), 0o600); err != nil {
		return "", err
	}
	abs, err := filepath.Abs(c.file)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(map[string]map[string]string{"Replace": {abs: changed}})
	if err == nil {
		err = os.WriteFile(overlay, text, 0o600)
	}
	if err != nil {
		return "", err
	}
	if out, err := exec.Command("go", "vet", "-overlay", overlay, "./"+c.pkg).CombinedOutput(); err != nil && bytes.Contains(out, []byte("vet: ")) {
		return "", errInvalid
	}
	list := judges[c.pkg]
	if list == nil {
		list = []string{c.pkg}
	}
	for _, pkg := range list {
		if _, err := os.Stat(pkg); err != nil {
			continue
		}
		args := []string{"test", "-overlay", overlay, "-failfast", "-vet=off"}
		if short {
			args = append(args, "-short")
		}
		ctx, stop := context.WithTimeout(context.Background(), limit)
		p := exec.CommandContext(ctx, "go", append(args, "./"+pkg)...)
		p.WaitDelay = time.Second
		out, err := p.CombinedOutput()
		late := ctx.Err() != nil
		stop()
		switch {
		case late:
			return pkg + ", by taking too long", nil
		case bytes.Contains(out, []byte("[build failed]")):
			return "", errInvalid
		case err != nil:
			return pkg, nil
		}
	}
	return "", nil
}

// swaps are the operators that are put in each other's place.
var swaps = map[token.Token]token.Token{
	token.LSS: token.LEQ, token.LEQ: token.LSS, token.GTR: token.GEQ, token.GEQ: token.GTR, token.EQL: token.NEQ, token.NEQ: token.EQL,
	token.ADD: token.SUB, token.SUB: token.ADD, token.MUL: token.QUO, token.QUO: token.MUL, token.REM: token.QUO,
	token.LAND: token.LOR, token.LOR: token.LAND, token.SHL: token.SHR, token.SHR: token.SHL, token.AND: token.OR, token.OR: token.AND,
	token.INC: token.DEC, token.DEC: token.INC, token.ADD_ASSIGN: token.SUB_ASSIGN, token.SUB_ASSIGN: token.ADD_ASSIGN, token.MUL_ASSIGN: token.QUO_ASSIGN,
	token.BREAK: token.CONTINUE, token.CONTINUE: token.BREAK,
}

// changes are all that can be drawn of a file.
func changes(pkg, file string) ([]change, error) {
	src, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, file, src, parser.ParseComments)
	if err != nil || ast.IsGenerated(f) {
		return nil, err
	}
	var list []change
	at := func(p token.Pos) int { return set.Position(p).Offset }
	edit := func(from, to token.Pos, text string) {
		a, b := at(from), at(to)
		list = append(list, change{pkg, file, set.Position(from).Line, a, b, text, string(src[a:b])})
	}
	operator := func(p token.Pos, t token.Token) {
		if other, ok := swaps[t]; ok {
			edit(p, p+token.Pos(len(t.String())), other.String())
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.ImportSpec, *ast.StructType, *ast.ArrayType:
			return false
		case *ast.BinaryExpr:
			operator(x.OpPos, x.Op)
		case *ast.IncDecStmt:
			operator(x.TokPos, x.Tok)
		case *ast.BranchStmt:
			if x.Label == nil {
				operator(x.TokPos, x.Tok)
			}
		case *ast.UnaryExpr:
			if x.Op == token.NOT || x.Op == token.SUB {
				edit(x.OpPos, x.X.Pos(), "")
			}
		case *ast.BasicLit:
			switch v, err := strconv.ParseInt(x.Value, 0, 64); {
			case x.Kind == token.INT && err == nil:
				edit(x.Pos(), x.End(), strconv.FormatInt(v+1, 10))
			case x.Kind == token.FLOAT:
				edit(x.Pos(), x.End(), "(1.5*"+x.Value+")")
			}
		case *ast.Ident:
			if other, ok := map[string]string{"true": "false", "false": "true", "min": "max", "max": "min"}[x.Name]; ok && x.Obj == nil {
				edit(x.Pos(), x.End(), other)
			}
		case *ast.IfStmt:
			edit(x.Cond.Pos(), x.Cond.End(), "!("+string(src[at(x.Cond.Pos()):at(x.Cond.End())])+")")
		case *ast.CallExpr:
			if len(x.Args) == 2 && !x.Ellipsis.IsValid() {
				a, b := x.Args[0], x.Args[1]
				text := func(e ast.Expr) string { return string(src[at(e.Pos()):at(e.End())]) }
				if text(a) != text(b) {
					edit(a.Pos(), b.End(), text(b)+", "+text(a))
				}
			}
		case *ast.AssignStmt:
			operator(x.TokPos, x.Tok)
			if x.Tok == token.ASSIGN {
				var names []string
				for range x.Lhs {
					names = append(names, "_")
				}
				edit(x.Pos(), x.Rhs[0].Pos(), strings.Join(names, ", ")+" = ")
			}
		case *ast.ExprStmt:
			if _, ok := x.X.(*ast.CallExpr); ok {
				edit(x.Pos(), x.End(), "")
			}
		}
		return true
	})
	return list, nil
}
