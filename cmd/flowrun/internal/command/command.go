// Package command is what all commands of flowrun have in common: how they end, what
// they say of a command line that makes no sense, and how they print JSON. The
// commands themselves are in package main, or in a package of their own where several
// belong together.
package command

import (
	"encoding/json"
	"fmt"
	"io"
	"math"

	"github.com/spf13/cobra"

	"github.com/flowrun/flowrun/flows/source"
)

// The exit codes.
const (
	ExitGood   = 0
	ExitFailed = 1  // it could not be done
	ExitUsage  = 2  // the command line makes no sense
	ExitConfig = 78 // a flow file makes no sense (EX_CONFIG of sysexits.h)
)

// Exit ends the command with a code. Its cause is printed; there is none when all
// has been said already.
type Exit struct {
	Code int
	Err  error
}

// Error implements error.
func (e *Exit) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("exit code %d", e.Code)
	}
	return e.Err.Error()
}

// Unwrap returns the cause.
func (e *Exit) Unwrap() error { return e.Err }

// Usage is the error of a command line that makes no sense.
func Usage(format string, args ...any) error {
	return &Exit{ExitUsage, fmt.Errorf(format, args...)}
}

// Many is the upper bound of Between where there is none.
const Many = math.MaxInt

// Between says how many arguments a command takes, and what they are.
func Between(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return Usage("%s takes %s: %s", cmd.CommandPath(), what, cmd.UseLine())
		}
		return nil
	}
}

// DidYouMean asks for the name that is most like the given one, if one is.
func DidYouMean(given string, names []string) string {
	if best := source.Nearest(given, names); best != "" {
		return fmt.Sprintf(", did you mean %q?", best)
	}
	return ""
}

// WriteJSON prints v, indented.
func WriteJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
