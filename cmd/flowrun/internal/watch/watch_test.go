package watch

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tree is a folder of a test.
type tree struct {
	*testing.T
	dir string
}

func (f tree) path(name string) string { return filepath.Join(f.dir, name) }

func (f tree) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f tree) write(name, text string) {
	f.Helper()
	f.must(os.MkdirAll(filepath.Dir(f.path(name)), 0o700))
	f.must(os.WriteFile(f.path(name), []byte(text), 0o600))
}

// replace writes a file beside the old one, and puts it into its place.
func (f tree) replace(name, text string) {
	f.Helper()
	f.write(name+"~", text)
	f.must(os.Rename(f.path(name+"~"), f.path(name)))
}

// turn makes a link lead elsewhere, at once.
func (f tree) turn(name, to string) {
	f.Helper()
	f.must(os.Symlink(to, f.path(name+"~")))
	f.must(os.Rename(f.path(name+"~"), f.path(name)))
}

// TestChanges: each step is one change; none is told twice, or without cause.
func TestChanges(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(f tree)
		paths   []string // to watch
		files   []string // that they are read from
		steps   []func(f tree)
		ignored func(f tree) // what is no change
	}{
		"written": {
			prepare: func(f tree) { f.write("a.hcl", "1") },
			paths:   []string{"a.hcl"}, files: []string{"a.hcl"},
			steps: []func(tree){
				func(f tree) { f.write("a.hcl", "2") },
				func(f tree) { f.replace("a.hcl", "3") },
				func(f tree) { f.replace("a.hcl", "4") },
				func(f tree) { f.must(os.Remove(f.path("a.hcl"))) },
				func(f tree) { f.write("a.hcl", "4") },
			},
			ignored: func(f tree) { f.replace("a.hcl", "4"); f.write("b.hcl", "other"); f.write("out.json", "{}") },
		},
		"a folder": {
			prepare: func(f tree) { f.write("flow/a.hcl", "1") },
			paths:   []string{"flow"}, files: []string{"flow/a.hcl"},
			steps: []func(tree){
				func(f tree) { f.write("flow/b.hcl", "more") },
				func(f tree) { f.write("flow/a.hcl", "2") },
				func(f tree) { f.must(os.Remove(f.path("flow/b.hcl"))) },
			},
			ignored: func(f tree) { f.write("flow/a.test.hcl", "test"); f.write("flow/notes.txt", "") },
		},
		"a module": {
			prepare: func(f tree) { f.write("a.hcl", "1"); f.write("m/m.hcl", "1") },
			paths:   []string{"a.hcl"}, files: []string{"a.hcl", "m/m.hcl"},
			steps: []func(tree){
				func(f tree) { f.write("m/m.hcl", "2") },
				func(f tree) { f.write("m/n.hcl", "more") },
			},
		},
		"Kubernetes": {
			prepare: func(f tree) {
				f.write("..1/a.hcl", "1")
				f.must(os.Symlink("..1", f.path("..data")))
				f.must(os.Symlink("..data/a.hcl", f.path("a.hcl")))
			},
			paths: []string{"a.hcl"}, files: []string{"a.hcl"},
			steps: []func(tree){
				func(f tree) {
					f.write("..2/a.hcl", "2")
					f.turn("..data", "..2")
					f.must(os.RemoveAll(f.path("..1")))
				},
				func(f tree) {
					f.write("..3/a.hcl", "3")
					f.turn("..data", "..3")
					f.must(os.RemoveAll(f.path("..2")))
				},
			},
			ignored: func(f tree) { f.write("..4/a.hcl", "3"); f.turn("..data", "..4") },
		},
		"a release": {
			prepare: func(f tree) {
				f.write("releases/1/flow/a.hcl", "1")
				f.must(os.Symlink("releases/1", f.path("current")))
			},
			paths: []string{"current/flow"}, files: []string{"current/flow/a.hcl"},
			steps: []func(tree){
				func(f tree) { f.write("releases/2/flow/a.hcl", "2"); f.turn("current", "releases/2") },
				func(f tree) { f.write("releases/2/flow/a.hcl", "3") },
				func(f tree) { f.write("releases/3/flow/a.hcl", "4"); f.turn("current", "releases/3") },
			},
		},
		"a link elsewhere": {
			prepare: func(f tree) { f.write("x/real.hcl", "1"); f.must(os.Symlink("x/real.hcl", f.path("a.hcl"))) },
			paths:   []string{"a.hcl"}, files: []string{"a.hcl"},
			steps: []func(tree){
				func(f tree) { f.write("x/real.hcl", "2") },
				func(f tree) { f.replace("x/real.hcl", "3") },
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := tree{t, t.TempDir()}
			c.prepare(f)
			within := func(names []string) (paths []string) {
				for _, n := range names {
					paths = append(paths, f.path(n))
				}
				return paths
			}
			w, err := New(within(c.paths), within(c.files), zap.NewNop())
			f.must(err)
			defer w.Close()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go w.Run(ctx)
			for i, step := range c.steps {
				step(f)
				select {
				case <-w.Changes:
				case <-time.After(20 * time.Second):
					t.Fatalf("step %d was not seen", i)
				}
				w.HasRead(w.AboutToRead(), within(c.files))
			}
			for len(w.Changes) > 0 {
				<-w.Changes // of a step that was seen when it was half done
				w.HasRead(w.AboutToRead(), within(c.files))
			}
			if c.ignored != nil {
				c.ignored(f)
				w.look()
				if len(w.Changes) > 0 {
					t.Error("what is no change was taken for one")
				}
			}
		})
	}
}

// What is written while the flows are being read is seen afterwards.
func TestChangesMeanwhile(t *testing.T) {
	f := tree{t, t.TempDir()}
	f.write("a.hcl", "1")
	w, err := New([]string{f.path("a.hcl")}, []string{f.path("a.hcl")}, zap.NewNop())
	f.must(err)
	defer w.Close()
	before := w.AboutToRead()
	f.write("a.hcl", "2")
	w.HasRead(before, []string{f.path("a.hcl")})
	if len(w.Changes) != 1 {
		t.Error("it was not seen")
	}
}

// What is being read is told no second time: the events of one change may come far
// apart, and the reading may take long.
func TestWhatIsReadIsNoChange(t *testing.T) {
	f := tree{t, t.TempDir()}
	f.write("a.hcl", "1")
	w, err := New([]string{f.path("a.hcl")}, []string{f.path("a.hcl")}, zap.NewNop())
	f.must(err)
	defer w.Close()
	f.replace("a.hcl", "2")
	w.look()
	<-w.Changes
	w.look() // for an event that came late
	before := w.AboutToRead()
	w.look() // and for one that comes while the flows are being read
	w.HasRead(before, []string{f.path("a.hcl")})
	if len(w.Changes) > 0 {
		t.Error("one change was told twice")
	}
}
