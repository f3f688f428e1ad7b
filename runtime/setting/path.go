package setting

import "path/filepath"

// Path is a file or folder named in a flow. Relative paths are relative to the
// flow's folder; package flows joins them before anyone sees them.
type Path string

// In returns the path as seen from the folder dir.
func (p Path) In(dir string) Path {
	if p == "" || filepath.IsAbs(string(p)) {
		return p
	}
	return Path(filepath.Join(dir, string(p)))
}
