package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

func newDoc() *cobra.Command {
	var asJSON bool
	var dir string
	cmd := &cobra.Command{
		Use:   "doc [TYPE] [NAME]",
		Short: "Show what components and functions there are, and what each does",
		Long: `Lists what flows are made of: the components, or those of one TYPE (connector, codec,
preprocessor, step), the modules of the library (TYPE module), the functions of
expressions and those of windows (TYPE function, aggregate); or tells all about the one
called NAME.`,
		Example: "  flowrun doc\n  flowrun doc codec\n  flowrun doc connector ws_server\n  flowrun doc function lookup",
		Args:    between(0, 2, "at most a type and a name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			all := reference(tables)
			if dir != "" {
				return writePages(dir, all)
			}
			found, one, err := find(all, args)
			switch {
			case err != nil:
				return err
			case asJSON:
				return writeJSON(cmd.OutOrStdout(), found)
			}
			bold, plain := "", ""
			if colourful(cmd.OutOrStdout()) {
				bold, plain = "\x1b[1m", "\x1b[0m"
			}
			var b strings.Builder
			if one {
				for i, c := range found {
					if i > 0 {
						b.WriteString("\n")
					}
					c.text(&b, bold, plain)
				}
			} else {
				list(&b, found, bold, plain)
				if len(args) > 0 && args[0] == "connector" {
					fmt.Fprintf(&b, "\n%sArguments of every connector%s\n", bold, plain)
					textTable(&b, commonArguments())
				}
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), b.String())
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	cmd.Flags().StringVar(&dir, "write", "", "write the pages of the reference into the source tree at `dir`")
	cmd.ValidArgsFunction = func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		names := slices.Clone(kinds)
		for _, c := range reference(tables) {
			if len(args) == 0 || len(args) == 1 && args[0] == c.Kind {
				names = append(names, c.Name)
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
	return cmd
}

// find selects what `flowrun doc` with args is about. one says that it was
// asked for by name.
func find(all []component, args []string) (found []component, one bool, err error) {
	if len(args) == 0 {
		return all, false, nil
	}
	kind := args[0]
	if kind == "postprocessor" {
		kind = "preprocessor" // a pair has one page
	}
	if len(args) == 1 && slices.Contains(kinds, kind) {
		return slices.DeleteFunc(all, func(c component) bool { return c.Kind != kind }), false, nil
	}
	name, what := args[0], "component"
	if len(args) == 2 {
		if !slices.Contains(kinds, kind) {
			return nil, false, usage("there is no type %q%s; the types are %s", args[0], didYouMean(args[0], kinds), strings.Join(kinds, ", "))
		}
		name, what = args[1], kind
	}
	names := []string{}
	if len(args) == 1 {
		names = append(names, kinds...)
	}
	for _, c := range all {
		if len(args) == 2 && c.Kind != kind {
			continue
		}
		names = append(names, c.Name)
		if c.Name == name {
			found = append(found, c)
		}
	}
	if len(found) == 0 {
		return nil, false, usage("there is no %s %q%s (`flowrun doc` lists them)", what, name, didYouMean(name, names))
	}
	return found, true, nil
}

// list writes one line per component, by kind. Functions are many: in the
// company of others they are only named.
func list(b *strings.Builder, all []component, bold, plain string) {
	width := 0
	for _, c := range all {
		width = max(width, len(c.Name))
	}
	kind := ""
	for i, c := range all {
		if c.Kind != kind {
			if kind != "" {
				b.WriteString("\n")
			}
			kind = c.Kind
			fmt.Fprintf(b, "%s%s%s\n", bold, kind, plain)
			if kind == "function" && i > 0 {
				functionNames(b, all[i:])
				return
			}
		}
		fmt.Fprintf(b, "  %-*s  %s\n", width, c.Name, c.Summary)
	}
}

func writePages(root string, all []component) error {
	for _, p := range pages {
		name := filepath.Join(root, filepath.FromSlash(p.path))
		if err := os.WriteFile(name, []byte(p.markdown(all)), 0o644); err != nil {
			return plain("write", err)
		}
	}
	return nil
}
