package acceptance

import (
	"bufio"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The complete echo example of the Tremor documentation, with a certificate
// made here.
func TestTremorEcho(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("..", "integration", "tremor_echo"))); err != nil {
		t.Fatal(err)
	}
	certificate(t, dir)
	_, port, err := net.SplitHostPort(free(t))
	if err != nil {
		t.Fatal(err)
	}
	f := startIn(t, dir, "--var", "url=wss://localhost:"+port)
	f.exits(0)
	want := lines(t, read(t, filepath.Join(dir, "expected.json")))
	if diff := cmp.Diff(want, lines(t, read(t, filepath.Join(dir, "out.log")))); diff != "" {
		t.Errorf("out.log differs from expected.json (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, lines(t, f.Stdout.String())); diff != "" {
		t.Errorf("standard output differs from expected.json (-want +got):\n%s", diff)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// lines reads a value from each line.
func lines(t *testing.T, text string) []any {
	t.Helper()
	var all []any
	s := bufio.NewScanner(strings.NewReader(text))
	s.Buffer(nil, 64<<20)
	for s.Scan() {
		var v any
		if err := json.Unmarshal(s.Bytes(), &v); err != nil {
			t.Errorf("not JSON: %.200q", s.Bytes())
		}
		all = append(all, v)
	}
	if err := s.Err(); err != nil {
		t.Error(err)
	}
	return all
}
