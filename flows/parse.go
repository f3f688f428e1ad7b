package flows

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/flowrun/flowrun/flows/source"
)

// open finds and parses the files of the flow at path, and reports whether
// there is a flow.
func (r *reader) open(path string) bool {
	r.path = source.ShownPath(path)
	info, err := os.Stat(path)
	if err != nil {
		r.Errorf(source.NoPlace(""), "cannot read the flow %s: %v", r.path, source.Cause(err))
		return false
	}
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	files := []string{path}
	if info.IsDir() {
		r.dir, r.name = path, filepath.Base(path)
		if files = r.list(path); files == nil {
			return false
		}
	} else {
		r.dir = filepath.Dir(path)
		base := filepath.Base(path)
		r.name = strings.TrimSuffix(strings.TrimSuffix(base, ".json"), ".hcl")
		if !isFlow(base) {
			r.Errorf(source.NoPlace(""), "%s is no flow: a flow is a .hcl file, a .hcl.json file or a folder of such files", r.path)
			return false
		}
	}
	r.blocks = map[string][]source.Block{}
	for _, file := range files {
		r.parse(file)
	}
	return true
}

func isFlow(base string) bool {
	stem, ok := strings.CutSuffix(strings.TrimSuffix(base, ".json"), ".hcl")
	return ok && stem != "" && !strings.HasSuffix(stem, ".test")
}

func (r *reader) list(dir string) (files []string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		r.Errorf(source.NoPlace(""), "cannot read the flow %s: %v", r.path, source.Cause(err))
		return nil
	}
	for _, e := range entries {
		if !e.IsDir() && isFlow(e.Name()) {
			files = append(files, filepath.Join(dir, e.Name()))
		}
	}
	if files == nil {
		r.Errorf(source.NoPlace(""), "the folder %s holds no flow: no .hcl file but tests", r.path)
	}
	return files
}

var topLevel = source.Expected{Blocks: map[string]int{
	"variable": 1, "locals": 0, "connector": 2, "codec": 2, "preprocessor": 2,
	"postprocessor": 2, "pipeline": 1, "connect": 1,
}, Later: laterBlocks}

// parse adds the blocks of one file.
func (r *reader) parse(path string) {
	shown := source.ShownPath(path)
	src, err := source.Read(path)
	if err != nil {
		r.Errorf(source.NoPlace(""), "cannot read %s: %v", shown, err)
		r.broken = true
		return
	}
	body := r.Parse(shown, src, strings.HasSuffix(path, ".json"))
	if body == nil {
		r.broken = true
		return
	}
	top := source.Region{Owner: "a flow", Body: body, At: source.NoPlace(shown)}
	for _, b := range r.Content(top, topLevel).Blocks {
		r.blocks[b.Kind] = append(r.blocks[b.Kind], b)
	}
}
