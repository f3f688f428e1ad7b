package runner

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/runner/ports"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/runner/process"
	"github.com/flowrun/flowrun/flows"
	"github.com/flowrun/flowrun/flows/source"
	"github.com/flowrun/flowrun/flows/testfile"
	"github.com/flowrun/flowrun/runtime/flow"
)

// Options say what is run, and how.
type Options struct {
	Paths    []string        // folders and test files
	Kinds    []testfile.Kind // of cases
	Include  []string        // only cases with one of these tags
	Exclude  []string        // no cases with one of these tags
	Match    *regexp.Regexp  // only cases whose name matches
	Parallel int             // cases at a time; 0 for twice the number of CPUs
	Patience int             // how many times as long as usual may take what a file sets no time for; 0 is 1
	Update   bool            // rewrite expected files
	Binary   string          // the flowrun under test
	Tables   flows.Tables    // of components, for units
	// Hard ends what ctx only asks to end. It is never nil.
	Hard context.Context
	// Watch is told what happens, one call at a time.
	Watch Watcher
}

// Watcher is told how a run goes on.
type Watcher interface {
	Begin(cases int)      // once, before all others
	Started(name string)  // a case
	Finished(res *Result) // a case
}

// ErrNothing says that there is no case to run: a run that tests nothing must not
// look like one that has passed.
var ErrNothing = errors.New("there is nothing to test")

type runner struct {
	Options
	ports  *ports.Ports
	warden *process.Warden
	mu     sync.Mutex // for Watch
}

// job is a case with its name, or a file that is wrong as a whole.
type job struct {
	name string
	c    *testfile.Case
	file *testfile.File
}

// Run runs the cases and returns what came of each, in the order of their
// files. When ctx ends, the cases that run are ended, and no further ones start.
func Run(ctx context.Context, o Options) ([]*Result, error) {
	jobs, err := discover(&o)
	if err != nil {
		return nil, err
	}
	r := &runner{Options: o, warden: &process.Warden{Binary: o.Binary}}
	defer r.warden.Close()
	if r.ports, err = ports.New(); err != nil {
		return nil, err
	}
	workers := o.Parallel
	if workers <= 0 {
		workers = 2 * runtime.NumCPU()
	}
	o.Watch.Begin(len(jobs))
	results := make([]*Result, len(jobs))
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(workers, len(jobs)) {
		wg.Go(func() {
			for i := range next {
				results[i] = r.job(ctx, jobs[i])
			}
		})
	}
feed:
	for i := range jobs {
		select {
		case next <- i:
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	wg.Wait()
	return slices.DeleteFunc(results, func(res *Result) bool { return res == nil }), nil
}

// job runs one case.
func (r *runner) job(ctx context.Context, j job) *Result {
	res := &Result{Name: j.name, Start: time.Now()}
	r.watch(func() { r.Watch.Started(j.name) })
	switch {
	case j.c == nil:
		res.At = flow.Place{File: j.file.Shown, Line: 1}
		res.fail(res.At, "the test file is wrong", j.file.Report.Text(false))
	case j.c.Report.HasErrors():
		res.Kind, res.At, res.Tags = j.c.Kind, j.c.At, j.c.Tags
		res.fail(res.At, "the "+string(j.c.Kind)+" is written wrong, and was not run", j.c.Report.Text(false))
	default:
		res.Kind, res.At, res.Tags = j.c.Kind, j.c.At, j.c.Tags
		switch j.c.Kind {
		case testfile.KindUnit:
			r.unit(ctx, j.c, res)
		case testfile.KindExpression:
			r.expression(j.c, res)
		case testfile.KindBench:
			r.bench(ctx, j.c, res)
		default:
			r.test(ctx, j.c, res)
		}
	}
	res.Took = time.Since(res.Start)
	r.watch(func() { r.Watch.Finished(res) })
	return res
}

func (r *runner) watch(tell func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	tell()
}

// discover finds the cases.
func discover(o *Options) (jobs []job, err error) {
	seen := map[string]bool{}
	named := map[string]*testfile.Case{} // by folder and name
	for _, root := range o.Paths {
		files, err := filesBelow(root)
		if err != nil {
			return nil, err
		}
		for _, name := range files {
			f := testfile.Open(name, o.tables())
			if seen[f.Path] {
				continue
			}
			seen[f.Path] = true
			folder := folderName(root, f.Path)
			if f.Report.HasErrors() {
				jobs = append(jobs, job{name: path.Join(folder, filepath.Base(f.Path)), file: f})
			}
			for _, c := range f.Cases {
				key := filepath.Join(f.Dir, c.Name)
				if first := named[key]; first != nil {
					c.NamedAs(first)
				} else {
					named[key] = c
				}
				if name := path.Join(folder, c.Name); o.chosen(c, name) {
					jobs = append(jobs, job{name: name, c: c})
				}
			}
		}
	}
	if len(jobs) == 0 {
		return nil, fmt.Errorf("%w below %s: %s", ErrNothing, strings.Join(o.Paths, ", "), o.wanted())
	}
	return jobs, nil
}

// wanted says what was looked for.
func (o *Options) wanted() string {
	kinds := make([]string, len(o.Kinds))
	for i, k := range o.Kinds {
		kinds[i] = string(k)
	}
	text := "no " + strings.Join(kinds, " or ") + " in files named *" + testfile.Suffix
	if o.Match != nil || len(o.Include)+len(o.Exclude) > 0 {
		text += " that --run, --include and --exclude leave over"
	}
	return text
}

func (o *Options) chosen(c *testfile.Case, name string) bool {
	has := func(tags []string) bool {
		return slices.ContainsFunc(tags, func(t string) bool { return slices.Contains(c.Tags, t) })
	}
	switch {
	case !slices.Contains(o.Kinds, c.Kind):
	case o.Match != nil && !o.Match.MatchString(name):
	case len(o.Include) > 0 && !has(o.Include):
	case has(o.Exclude):
	default:
		return true
	}
	return false
}

// folderName is the folder of a file as seen from root, with slashes; where it is
// root itself, the name of that.
func folderName(root, file string) string {
	abs, err := filepath.Abs(root)
	if err != nil {
		abs = root
	}
	rel, err := filepath.Rel(abs, filepath.Dir(file))
	if err != nil || !filepath.IsLocal(rel) || rel == "." {
		return filepath.Base(filepath.Dir(file))
	}
	return filepath.ToSlash(rel)
}

// filesBelow lists test files, those in hidden folders aside.
func filesBelow(root string) (files []string, err error) {
	info, err := os.Stat(root)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", source.ShownPath(root), process.PlainCause(err))
	}
	if !info.IsDir() {
		if !strings.HasSuffix(root, testfile.Suffix) {
			return nil, fmt.Errorf("%s is no test file: its name does not end with %s", source.ShownPath(root), testfile.Suffix)
		}
		return []string{root}, nil
	}
	root += string(filepath.Separator) // a link to a folder is one
	err = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fmt.Errorf("look for tests in %s: %w", source.ShownPath(name), process.PlainCause(err))
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && name != root:
			return fs.SkipDir
		case !d.IsDir() && strings.HasSuffix(d.Name(), testfile.Suffix):
			files = append(files, name)
		}
		return nil
	})
	return files, err
}

// firstAndRest cuts a text behind its first line.
func firstAndRest(text string) (first, rest string) {
	first, rest, _ = strings.Cut(text, "\n")
	return first, rest
}
