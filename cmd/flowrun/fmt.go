package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/command"
	"github.com/flowrun/flowrun/flows"
)

// formatter is one run of `flowrun fmt`.
type formatter struct {
	cmd         *cobra.Command
	check, diff bool
	changed     bool // something was not formatted
	broken      bool // something could not be read as HCL
}

func newFmt() *cobra.Command {
	f := &formatter{}
	cmd := &cobra.Command{
		Use:   "fmt FILE|DIR…",
		Short: "Format flow files in place",
		Long: `Rewrites flow files in the one layout that all flow files share and prints the
names of those that it changed. A folder stands for all *.hcl and *.hcl.json files in it and
below; - reads standard input and writes standard output.

With --check or --diff nothing is written. --check prints the names of files that are
not formatted and exits with 1 when there are any.`,
		Example: "  flowrun fmt echo.hcl\n  flowrun fmt --check flows/\n  flowrun fmt - < echo.hcl",
		Args:    command.Between(1, command.Many, "a file or folder, or - for standard input"),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.cmd = cmd
			for _, arg := range args {
				if err := f.argument(arg); err != nil {
					return err
				}
			}
			switch {
			case f.broken:
				return &command.Exit{Code: command.ExitConfig}
			case f.changed && f.check:
				return &command.Exit{Code: command.ExitFailed}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&f.check, "check", false, "only say which files are not formatted")
	cmd.Flags().BoolVar(&f.diff, "diff", false, "only show what would change")
	return cmd
}

func (f *formatter) argument(arg string) error {
	if arg == "-" {
		return f.standardInput()
	}
	info, err := os.Stat(arg)
	if err != nil {
		return plain("format", err)
	}
	if !info.IsDir() {
		return f.file(arg)
	}
	return filepath.WalkDir(arg, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return plain("format", err)
		case d.IsDir() && name != arg && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case d.Type().IsRegular() && (strings.HasSuffix(name, ".hcl") || strings.HasSuffix(name, ".hcl.json")):
			return f.file(name)
		}
		return nil
	})
}

func (f *formatter) file(name string) error {
	src, err := os.ReadFile(name)
	if err != nil {
		return plain("format", err)
	}
	formatted, ok := f.format(name, src)
	if !ok || bytes.Equal(src, formatted) {
		return nil
	}
	f.changed = true
	if f.diff {
		_, err = f.cmd.OutOrStdout().Write(diff.Diff(name, src, name+" (formatted)", formatted))
		return err
	}
	fmt.Fprintln(f.cmd.OutOrStdout(), name)
	if f.check {
		return nil
	}
	return replace(name, formatted)
}

func (f *formatter) standardInput() error {
	src, err := io.ReadAll(f.cmd.InOrStdin())
	if err != nil {
		return fmt.Errorf("read standard input: %w", err)
	}
	formatted, ok := f.format("<stdin>", src)
	if !ok {
		return nil
	}
	changed := !bytes.Equal(src, formatted)
	f.changed = f.changed || changed
	out := formatted
	switch {
	case f.diff:
		out = diff.Diff("<stdin>", src, "<stdin> (formatted)", formatted)
	case f.check && changed:
		out = []byte("<stdin>\n")
	case f.check:
		out = nil
	}
	_, err = f.cmd.OutOrStdout().Write(out)
	return err
}

func (f *formatter) format(name string, src []byte) ([]byte, bool) {
	formatted, report := flows.Format(name, src)
	if show(f.cmd, report) != nil {
		f.broken = true
		return nil, false
	}
	return formatted, true
}

// replace writes a file so that at any time either the old or the new content
// is there in full.
func replace(name string, content []byte) error {
	target, err := filepath.EvalSymlinks(name)
	if err != nil {
		return plain("write", err)
	}
	info, err := os.Stat(target)
	if err != nil {
		return plain("write", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(target), "."+filepath.Base(target)+".*")
	if err != nil {
		return plain("write", err)
	}
	defer os.Remove(tmp.Name()) // gone already when all went well
	_, err = tmp.Write(content)
	err = errors.Join(err, tmp.Chmod(info.Mode().Perm()), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), target)
	}
	return plain("write", err)
}

// plain spells an error of the file system as action, object, cause.
func plain(action string, err error) error {
	if cause := (*fs.PathError)(nil); errors.As(err, &cause) {
		return fmt.Errorf("%s %s: %w", action, cause.Path, cause.Err)
	}
	return err
}
