package flows_test

import (
	"flag"
	"path/filepath"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/flows"
)

var update = flag.Bool("update", false, "write what was reported into the golden files")

// TestMistakes loads each flow of testdata/*.txtar and compares the report
// with the exact text behind it: case.hcl is followed by case.txt, which is
// empty where nothing is to be said. Files in folders help along. A first line
// "#! …" holds the command line: --var x=1, --var-file x, NAME=value of the
// environment, and the flows where it is not the case alone.
func TestMistakes(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no testdata: %v", err)
	}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) { mistakes(t, name) })
	}
}

func mistakes(t *testing.T, name string) {
	golden(t, name, func(paths []string, in flows.Inputs) string {
		files, report := flows.Load(paths, tables, in)
		if report.HasErrors() != (files == nil) {
			t.Errorf("errors: %v, files: %d", report.HasErrors(), len(files))
		}
		return report.Text(false)
	})
}

func commandLine(name, text string) (paths []string, in flows.Inputs) {
	line, _, _ := strings.Cut(text, "\n")
	line, ok := strings.CutPrefix(line, "#!")
	if !ok {
		return []string{name}, in
	}
	for words := strings.Fields(line); len(words) > 0; words = words[1:] {
		switch word := words[0]; {
		case word == "--var":
			words = words[1:]
			in.Vars = append(in.Vars, words[0])
		case word == "--var-file":
			words = words[1:]
			in.VarFiles = append(in.VarFiles, words[0])
		case strings.Contains(word, "="):
			in.Env = append(in.Env, word)
		default:
			paths = append(paths, word)
		}
	}
	if paths == nil {
		paths = []string{name}
	}
	return paths, in
}
