// Package folder reads the files that make one flow, or one module: a file, or those
// of a folder, or text that was never in a file. It finds the blocks at the top:
// which kinds there may be, and not what they mean.
package folder

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/flowrun/flowrun/flows/source"
)

// Folder is the text of a flow or a module, in blocks.
type Folder struct {
	ID     string                    // the same for the same folder
	Shown  string                    // as the user gave it
	Name   string                    // what a flow is called
	Dir    string                    // what paths in it are relative to
	Blocks map[string][]source.Block // the blocks at the top, by kind, in order
	Broken bool                      // its syntax is wrong: nothing more is said about it
}

// Open finds and parses the files of the flow at path; nil when there is
// none.
func Open(report *source.Report, path string) *Folder {
	f := &Folder{Shown: source.ShownPath(path)}
	info, err := os.Stat(path)
	if err != nil {
		report.Errorf(source.NoPlace(""), "cannot read the flow %s: %v", f.Shown, source.Cause(err))
		return nil
	}
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	if !info.IsDir() {
		f.ID = filepath.Dir(path)
	} else {
		f.ID = path
	}
	if real, err := filepath.EvalSymlinks(f.ID); err == nil {
		f.ID = real
	}
	if info.IsDir() {
		f.Dir, f.Name = path, filepath.Base(path)
		files, err := list(os.DirFS(path))
		switch {
		case err != nil:
			report.Errorf(source.NoPlace(""), "cannot read the flow %s: %v", f.Shown, err)
			return nil
		case files == nil:
			report.Errorf(source.NoPlace(""), "the folder %s holds no flow: no .hcl file but tests", f.Shown)
			return nil
		}
		f.Parse(report, files)
		return f
	}
	base := filepath.Base(path)
	f.Dir, f.Name = filepath.Dir(path), strings.TrimSuffix(strings.TrimSuffix(base, ".json"), ".hcl")
	if !isFlow(base) {
		report.Errorf(source.NoPlace(""), "%s is no flow: a flow is a .hcl file, a .hcl.json file or a folder of such files", f.Shown)
		return nil
	}
	f.Parse(report, []string{base})
	return f
}

// FilesIn names the files of the flow, or the module, that a folder is; nil when it
// is none.
func FilesIn(folder string) ([]string, error) { return list(os.DirFS(folder)) }

func isFlow(base string) bool {
	stem, ok := strings.CutSuffix(strings.TrimSuffix(base, ".json"), ".hcl")
	return ok && stem != "" && !strings.HasSuffix(stem, ".test")
}

// list names the files of a flow in a folder.
func list(dir fs.FS) (files []string, err error) {
	entries, err := fs.ReadDir(dir, ".")
	if err != nil {
		return nil, source.Cause(err)
	}
	for _, e := range entries {
		if !e.IsDir() && isFlow(e.Name()) {
			files = append(files, e.Name())
		}
	}
	return files, nil
}

// topLevel is what may stand in a file; input and output mean something where
// the folder is used as a module.
var topLevel = source.Expected{Blocks: map[string]int{
	"flow": 0, "variable": 1, "locals": 0, "connector": 2, "codec": 2, "preprocessor": 2,
	"postprocessor": 2, "pipeline": 1, "connect": 1, "module": 1, "input": 1, "output": 1,
}}

// Parse reads files of the folder.
func (f *Folder) Parse(report *source.Report, files []string) {
	for _, name := range files {
		path := filepath.Join(f.Dir, name)
		src, err := source.Read(path)
		if err != nil {
			report.Errorf(source.NoPlace(""), "cannot read %s: %v", source.ShownPath(path), err)
			f.Broken = true
			continue
		}
		f.Add(report, source.ShownPath(path), src)
	}
}

// Add takes the blocks of one file.
func (f *Folder) Add(report *source.Report, shown string, src []byte) {
	body := report.Parse(shown, src, strings.HasSuffix(shown, ".json"))
	if body == nil {
		f.Broken = true
		return
	}
	if f.Blocks == nil {
		f.Blocks = map[string][]source.Block{}
	}
	top := source.Region{Owner: "a flow", Body: body, At: source.NoPlace(shown)}
	for _, b := range report.Content(top, topLevel).Blocks {
		f.Blocks[b.Kind] = append(f.Blocks[b.Kind], b)
	}
}
