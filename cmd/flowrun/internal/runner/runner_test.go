//go:build unix

package runner

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, name, text string, mode fs.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, mode); err != nil {
		t.Fatal(err)
	}
}

func TestScratch(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	outside, from := t.TempDir(), t.TempDir()
	write(t, filepath.Join(outside, "shared/a.txt"), "outside", 0o644)
	write(t, filepath.Join(from, "run.sh"), "script", 0o755)
	write(t, filepath.Join(from, "deep/er/b.txt"), "deep", 0o400)
	for name, target := range map[string]string{
		"within": "deep/er/b.txt", "folder": "deep", "leaves": filepath.Join(outside, "shared"),
		"file": filepath.Join(outside, "shared/a.txt"), "nowhere": "not there",
	} {
		if err := os.Symlink(target, filepath.Join(from, name)); err != nil {
			t.Fatal(err)
		}
	}
	dir, err := scratch(from, "a name/../with \x00 all", 1<<20, 100)
	if err != nil {
		t.Fatal(err)
	}
	if base := filepath.Base(dir); !strings.HasPrefix(base, "flowrun-test-a_name____with") {
		t.Errorf("the folder is %s", base)
	}
	for name, want := range map[string]string{
		"run.sh": "script", "deep/er/b.txt": "deep", "within": "deep", "folder/er/b.txt": "deep", "leaves/a.txt": "outside", "file": "outside",
	} {
		if text, err := os.ReadFile(filepath.Join(dir, name)); string(text) != want {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	if target, err := os.Readlink(filepath.Join(dir, "within")); target != "deep/er/b.txt" {
		t.Errorf("within leads to %q, %v", target, err)
	}
	for _, name := range []string{"leaves", "file"} { // nothing in it leads out
		if info, err := os.Lstat(filepath.Join(dir, name)); err != nil || info.Mode()&fs.ModeSymlink != 0 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	if info, err := os.Stat(filepath.Join(dir, "run.sh")); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("run.sh: %v, %v", info, err)
	}
	if err := os.Chmod(filepath.Join(dir, "deep"), 0o500); err != nil {
		t.Fatal(err)
	}
	removeAll(dir)
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after it was removed: %v", err)
	}
}

func TestScratchIsBounded(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	large, round := t.TempDir(), t.TempDir()
	write(t, filepath.Join(large, "a"), strings.Repeat("x", 600), 0o644)
	write(t, filepath.Join(large, "b"), strings.Repeat("x", 600), 0o644)
	if err := os.Symlink(round, filepath.Join(round, "again")); err != nil { // absolute: it is copied, and copied, and
		t.Fatal(err)
	}
	if _, err := scratch(large, "x", 1<<20, 1); err == nil || !strings.Contains(err.Error(), "max_files of the test") {
		t.Error(err)
	}
	for dir, want := range map[string]string{large: "larger than 1000B; max_folder of the test", round: "folders are in each other"} {
		if _, err := scratch(dir, "x", 1000, 100); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, expected %q", err, want)
		}
	}
	if left, err := filepath.Glob(filepath.Join(tmp, "*")); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}
