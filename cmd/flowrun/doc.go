package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/command"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/reference"
)

func newDoc() *cobra.Command {
	var asJSON bool
	var dir string
	cmd := &cobra.Command{
		Use:   "doc [TYPE] [NAME]",
		Short: "Show what components and functions there are, and what each does",
		Long: `Lists what flows are made of: the blocks beside components (TYPE block), the components,
or those of one TYPE (connector, codec, preprocessor, step), the modules of the library (TYPE module), the steps of the peers of
tests (TYPE peer), the functions of expressions and those of windows (TYPE function,
aggregate); or tells all about the one called NAME.`,
		Example: "  flowrun doc\n  flowrun doc codec\n  flowrun doc connector ws_server\n  flowrun doc function lookup",
		Args:    command.Between(0, 2, "at most a type and a name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			all := reference.Of(tables)
			if dir != "" {
				return plain("write", reference.WritePages(dir, all))
			}
			found, one, err := find(all, args)
			switch {
			case err != nil:
				return err
			case asJSON:
				return command.WriteJSON(cmd.OutOrStdout(), found)
			}
			style := reference.Style{}
			if colourful(cmd.OutOrStdout()) {
				style = reference.Coloured
			}
			var parts []string
			switch {
			case one:
				for _, c := range found {
					parts = append(parts, c.Text(style))
				}
			case len(args) > 0 && args[0] == "connector":
				parts = []string{reference.List(found, style), reference.CommonArguments(style)}
			default:
				parts = []string{reference.List(found, style)}
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), strings.Join(parts, "\n"))
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	cmd.Flags().StringVar(&dir, "write", "", "write the pages of the reference into the source tree at `dir`")
	cmd.ValidArgsFunction = func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		names := slices.Clone(reference.Kinds)
		for _, c := range reference.Of(tables) {
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
func find(all []reference.Component, args []string) (found []reference.Component, one bool, err error) {
	if len(args) == 0 {
		return all, false, nil
	}
	if name, ok := strings.CutPrefix(args[len(args)-1], "std/"); ok && (len(args) == 1 || args[0] == "module") {
		args = []string{"module", name} // as a flow spells it
	}
	kind := args[0]
	if kind == "postprocessor" {
		kind = "preprocessor" // a pair has one page
	}
	if len(args) == 1 && slices.Contains(reference.Kinds, kind) {
		return slices.DeleteFunc(all, func(c reference.Component) bool { return c.Kind != kind }), false, nil
	}
	name, what := args[0], "component"
	if len(args) == 2 {
		if !slices.Contains(reference.Kinds, kind) {
			return nil, false, command.Usage("there is no type %q%s; the types are %s", args[0], command.DidYouMean(args[0], reference.Kinds), strings.Join(reference.Kinds, ", "))
		}
		name, what = args[1], kind
	}
	names := []string{}
	if len(args) == 1 {
		names = append(names, reference.Kinds...)
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
		return nil, false, command.Usage("there is no %s %q%s (`flowrun doc` lists them)", what, name, command.DidYouMean(name, names))
	}
	return found, true, nil
}
