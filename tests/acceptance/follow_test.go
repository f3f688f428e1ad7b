package acceptance

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const copying = `
connector "file" "log" {
  path     = "in.log"
  mode     = "read"
  follow   = true
  position = "in.position"
  codec    = "string"
  poll_interval = "50ms"
}

connector "file" "out" {
  path  = "out.log"
  mode  = "append"
  codec = "string"
  rotate {
    max_size = "100KiB"
    keep     = 1000
    compress = "none"
  }
}

connect "copy" {
  from = connector.log
  to   = connector.out
}
`

// Whenever the process is killed, all that a file was written, which was rotated
// meanwhile, is in the files that the process has written and rotated.
func TestKillsLoseNothingOfAFile(t *testing.T) {
	const files, each, kills = 10, 4000, 8
	dir := t.TempDir()
	path := filepath.Join(dir, "in.log")
	if err := os.WriteFile(path, []byte("the first\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := start(t, dir, copying)
	becomes(t, func() bool { return copied(t, dir)["the first"] > 0 })
	written := make(chan error, 1)
	go func() { written <- writeAndRotate(path, files, each) }()
	for range kills {
		before := len(copied(t, dir))
		becomes(t, func() bool { return len(copied(t, dir)) >= min(before+files*each/20, 1+files*each) })
		f.Kill()
		f = start(t, dir, copying)
	}
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	becomes(t, func() bool { return len(copied(t, dir)) >= 1+files*each })
	f.Kill()
	all := copied(t, dir)
	for i := range files {
		for j := range each {
			if all[numbered(i, j)] == 0 {
				t.Fatalf("%q is missing", numbered(i, j))
			}
		}
	}
	times := 0
	for _, n := range all {
		times += n
	}
	t.Logf("%d records came %d times in all, with %d kills", len(all), times, kills)
}

func numbered(file, n int) string { return fmt.Sprintf("record %d of file %d.", n, file) }

// writeAndRotate writes files one after the other, and renames each when it is full.
func writeAndRotate(path string, files, each int) error {
	for i := range files {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			return err
		}
		for j := range each {
			if _, err := f.WriteString(numbered(i, j) + "\n"); err != nil {
				return err
			}
		}
		if err := f.Close(); err != nil {
			return err
		}
		if err := os.Rename(path, fmt.Sprintf("%s.%03d", path, i)); err != nil {
			return err
		}
	}
	return os.WriteFile(path, nil, 0o600)
}

// copied counts the whole lines that have been copied. A line that a kill has cut off
// is none.
func copied(t *testing.T, dir string) map[string]int {
	t.Helper()
	all := map[string]int{}
	names, err := filepath.Glob(filepath.Join(dir, "out.log*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if os.IsNotExist(err) {
			continue // it was rotated meanwhile, and is counted the next time
		}
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if strings.HasSuffix(line, ".\n") && strings.Count(line, "record") == 1 || line == "the first\n" {
				all[strings.TrimSuffix(line, "\n")]++
			}
		}
	}
	return all
}

// becomes looks again and again whether a condition is met.
func becomes(t *testing.T, met func() bool) {
	t.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	ctx := withPatience(t)
	for !met() {
		select {
		case <-again.C:
		case <-ctx.Done():
			t.Fatal("it does not come to that")
		}
	}
}
