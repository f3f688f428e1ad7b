package flows

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/flows/source"
	"github.com/flowrun/flowrun/flows/std"
)

// moduleFolder finds and parses the folder of a module; nil when that has
// failed, and been reported.
func (r *reader) moduleFolder(a source.Argument) *folder {
	v, ok := r.Constant(a, cty.String)
	if !ok {
		return nil
	}
	at, from := a.Expr.Range(), v.AsString()
	name, library := strings.CutPrefix(from, "std/")
	f := &folder{shown: from, id: from}
	switch {
	case library:
		f.dir = r.dir
	case from == "." || from == ".." || strings.HasPrefix(from, "./") || strings.HasPrefix(from, "../"):
		f.dir = filepath.Join(r.dir, filepath.FromSlash(from))
		f.shown = source.ShownPath(f.dir)
		if f.id = f.dir; r.isLibrary() {
			r.Errorf(at, "a module of the library is alone: it has no folder")
			return nil
		}
		if real, err := filepath.EvalSymlinks(f.dir); err == nil {
			f.id = real
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
	if read := r.whole.folders[f.id]; read != nil {
		if read.broken {
			return nil
		}
		f.blocks = read.blocks
		return f
	}
	r.whole.folders[f.id] = f
	if library {
		r.readLibrary(f, name, at)
	} else {
		r.readFolder(f, at)
	}
	if f.broken {
		return nil
	}
	return f
}

func (r *reader) isLibrary() bool { return strings.HasPrefix(r.id, "std/") }

func (r *reader) insideItself(f *folder, at hcl.Range) bool {
	around := append(slices.Clone(r.above), r.folder)
	i := slices.IndexFunc(around, func(x *folder) bool { return x.id == f.id })
	if i < 0 {
		return false
	}
	var names []string
	for _, x := range append(around[i:], f) {
		names = append(names, x.shown)
	}
	r.Errorf(at, "the module would be inside itself: %s", strings.Join(names, " -> "))
	return true
}

func (r *reader) readFolder(f *folder, at hcl.Range) {
	files, err := list(os.DirFS(f.dir))
	switch {
	case err != nil:
		r.Errorf(at, "cannot read the folder %s: %v", f.shown, err)
	case files == nil:
		r.Errorf(at, "the folder %s holds no module: no .hcl file but tests", f.shown)
	default:
		f.parse(r.Report, files)
		return
	}
	f.broken = true
}

func (r *reader) readLibrary(f *folder, name string, at hcl.Range) {
	text, ok := std.Module(name)
	if !ok {
		r.Errorf(at, "the library has no module %q", name).Hint("%s", source.DidYouMeanRef(name, "std/", std.Names()))
		f.broken = true
		return
	}
	f.add(r.Report, f.shown+".hcl", text)
}
