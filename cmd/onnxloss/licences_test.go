package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// licences are what lets a program be passed on, by a phrase of its text. The first that
// is found counts.
var licences = []struct{ name, phrase string }{
	{"FreeType License (or GPL-2.0)", "your choice of exactly one of the following two licenses: * The FreeType License"},
	{"OFL-1.1", "SIL OPEN FONT LICENSE Version 1.1"},
	{"Apache-2.0", "Apache License Version 2.0, January 2004"},
	{"MIT", "Permission is hereby granted, free of charge, to any person obtaining a copy"},
	{"CC-BY-4.0", "Creative Commons Attribution 4.0"},
	{"CC-BY-3.0", "Creative Commons Attribution 3.0"},
	{"BSD-3-Clause", "may be used to endorse or promote products derived from this software"},
	{"CC0-1.0", "CC0 1.0 Universal"},
	{"BSD-2-Clause", "distributed under the Simplified BSD License"},
	{"BSD-2-Clause", "Redistributions in binary form must reproduce the above copyright notice"},
}

// unlinked are modules that tests and other folders need, and the program does not.
var unlinked = []string{"github.com/owulveryck/onnx-go", "gorgonia.org/", "github.com/chewxy/", "github.com/gogo/", "github.com/golang/protobuf", "github.com/dop251/", "gonum.org/v1/gonum", "github.com/stretchr/"}

// TestLicences: LICENCES.md lists the modules that are linked into the program, each under
// a licence that is known. With UPDATE set the list is written.
func TestLicences(t *testing.T) {
	list := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Version}}\t{{.Dir}}{{end}}{{end}}", ".")
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	slices.Sort(lines)
	var b bytes.Buffer
	b.WriteString("# What is linked into onnxloss\n\nGo's standard library (BSD-3-Clause), and these modules; their licences' texts lie in the modules.\n\n| module | version | licence |\n|---|---|---|\n")
	for _, line := range slices.Compact(lines) {
		f := strings.Split(line, "\t")
		if len(f) != 3 {
			continue
		}
		for _, name := range unlinked {
			if strings.HasPrefix(f[0], name) {
				t.Errorf("%s is linked", f[0])
			}
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", f[0], f[1], licence(t, f[0], f[2]))
	}
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile("LICENCES.md", b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("LICENCES.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), want) {
		t.Errorf("LICENCES.md is not what is linked; run this test with UPDATE=1. Linked:\n%s", b.String())
	}
}

// licence names the licences in folder dir of a module.
func licence(t *testing.T, module, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "LICEN[CS]E*"))
	if err != nil || len(files) == 0 {
		t.Errorf("%s has no licence", module)
		return ""
	}
	var names []string
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		plain := strings.Join(strings.Fields(string(text)), " ")
		i := slices.IndexFunc(licences, func(l struct{ name, phrase string }) bool { return strings.Contains(plain, l.phrase) })
		if i < 0 {
			t.Errorf("%s: %s is none of the licences that are known: %.200s", module, filepath.Base(f), plain)
			continue
		}
		names = append(names, licences[i].name)
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}
