package flows

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/flows/folder"
	"github.com/flowrun/flowrun/flows/source"
	"github.com/flowrun/flowrun/flows/std"
)

// moduleFolder finds and parses the folder of a module; nil when that has
// failed, and been reported.
func (r *reader) moduleFolder(a source.Argument) *folder.Folder {
	v, ok := r.Constant(a, cty.String)
	if !ok {
		return nil
	}
	at, from := a.Expr.Range(), v.AsString()
	name, library := strings.CutPrefix(from, "std/")
	f := &folder.Folder{Shown: from, ID: from}
	switch {
	case library:
		f.Dir = r.Dir
	case from == "." || from == ".." || strings.HasPrefix(from, "./") || strings.HasPrefix(from, "../"):
		f.Dir = filepath.Join(r.Dir, filepath.FromSlash(from))
		f.Shown = source.ShownPath(f.Dir)
		if f.ID = f.Dir; r.isLibrary() {
			r.Errorf(at, "a module of the library is alone: it has no folder")
			return nil
		}
		if real, err := filepath.EvalSymlinks(f.Dir); err == nil {
			f.ID = real
		}
	default:
		p := r.Errorf(at, "%q is no source of a module: write a folder, like \"./audit\", or a module of the library, like \"std/passthrough\"", from)
		if hclsyntax.ValidIdentifier(from) {
			p.Hint("did you mean \"./%s\"?", from)
		}
		return nil
	}
	if r.insideItself(f, at) {
		return nil
	}
	if read := r.whole.folders[f.ID]; read != nil {
		if read.Broken {
			return nil
		}
		f.Blocks = read.Blocks
		return f
	}
	r.whole.folders[f.ID] = f
	if library {
		r.readLibrary(f, name, at)
	} else {
		r.readFolder(f, at)
	}
	if f.Broken {
		return nil
	}
	return f
}

func (r *reader) isLibrary() bool { return strings.HasPrefix(r.ID, "std/") }

func (r *reader) insideItself(f *folder.Folder, at hcl.Range) bool {
	around := append(slices.Clone(r.above), r.Folder)
	i := slices.IndexFunc(around, func(x *folder.Folder) bool { return x.ID == f.ID })
	if i < 0 {
		return false
	}
	var names []string
	for _, x := range append(around[i:], f) {
		names = append(names, x.Shown)
	}
	r.Errorf(at, "the module would be inside itself: %s", strings.Join(names, " -> "))
	return true
}

func (r *reader) readFolder(f *folder.Folder, at hcl.Range) {
	files, err := folder.FilesIn(f.Dir)
	switch {
	case err != nil:
		r.Errorf(at, "cannot read the folder %s: %v", f.Shown, err)
	case files == nil:
		r.Errorf(at, "the folder %s holds no module: no .hcl file but tests", f.Shown)
	default:
		f.Parse(r.Report, files)
		return
	}
	f.Broken = true
}

func (r *reader) readLibrary(f *folder.Folder, name string, at hcl.Range) {
	text, ok := std.Module(name)
	if !ok {
		r.Errorf(at, "the library has no module %q", name).Hint("%s", source.DidYouMeanRef(name, "std/", std.Names()))
		f.Broken = true
		return
	}
	f.Add(r.Report, f.Shown+".hcl", text)
}
