package queue

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// What is written to a file that has no name any more is gone with the process: it is not
// acknowledged. What was there before is still delivered.
func TestARemovedDirectoryIsNoticed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "q")
	s := newScene(t, dir, large)
	s.add("one", "two")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.try("lost"); err == nil {
			t.Fatal("acknowledged what the next process will not find")
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s.add("three")
	if got, _ := s.rest(); !slices.Equal(got, []string{"one", "two", "three"}) {
		t.Errorf("%q came", got)
	}
	if s.logs.FilterMessageSnippet("cannot be written").Len() != 1 || s.logs.FilterMessageSnippet("again").Len() != 1 {
		t.Errorf("the log has %v", s.logs.All())
	}
}
