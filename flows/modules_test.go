package flows_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/flowrun/flowrun/flows"
	"github.com/flowrun/flowrun/runtime/graph"
)

// TestGraphs loads each flow of testdata/graphs/*.txtar, which has no mistakes,
// and compares what is connected to what with the text behind it: that is what
// modules and for_each come to. The format is that of TestMistakes.
func TestGraphs(t *testing.T) {
	archives, err := filepath.Glob("testdata/graphs/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no testdata: %v", err)
	}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			golden(t, name, func(paths []string, in flows.Inputs) string {
				files, report := flows.Load(paths, tables, in)
				if text := report.Text(false); text != "" {
					return text
				}
				var b strings.Builder
				for _, f := range files {
					b.WriteString(graph.New(f).Text())
				}
				return b.String()
			})
		})
	}
}

// golden unpacks an archive, and compares what run says of each flow in it with
// the file behind the flow.
func golden(t *testing.T, name string, run func(paths []string, in flows.Inputs) string) {
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	path, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	for _, f := range archive.Files {
		if err := os.MkdirAll(filepath.Dir(f.Name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f.Name, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for i, f := range archive.Files {
		if strings.Contains(f.Name, "/") || strings.HasSuffix(f.Name, ".txt") {
			continue
		}
		if i+1 == len(archive.Files) || !strings.HasSuffix(archive.Files[i+1].Name, ".txt") {
			t.Fatalf("%s: no .txt follows", f.Name)
		}
		want := &archive.Files[i+1]
		stem, _, _ := strings.Cut(f.Name, ".")
		t.Run(stem, func(t *testing.T) {
			got := run(commandLine(f.Name, string(f.Data)))
			if *update {
				want.Data = []byte(got)
				return
			}
			if diff := cmp.Diff(string(want.Data), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if *update {
		if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
