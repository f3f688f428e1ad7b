package runner

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/compare"
)

// Printer tells people how a run goes on: a line for each case, and at once what
// went wrong in it. On a terminal the last line says what is running, and only
// benches and cases that have failed get lines of their own, unless Verbose.
type Printer struct {
	Out      io.Writer
	Terminal bool // Out is one
	Colour   bool
	Verbose  bool
	GitHub   bool // write annotations
	// Width is how many characters a line of the terminal holds.
	Width func() int

	total, done, failed int
	running             []string
	status              bool // the last line is the one that says what is running
}

// Begin implements Watcher.
func (p *Printer) Begin(cases int) { p.total = cases }

// Started implements Watcher.
func (p *Printer) Started(name string) {
	p.running = append(p.running, name)
	p.progress()
}

// Finished implements Watcher.
func (p *Printer) Finished(r *Result) {
	if i := slices.Index(p.running, r.Name); i >= 0 {
		p.running = slices.Delete(p.running, i, i+1)
	}
	if p.done++; !r.Passed() {
		p.failed++
	}
	p.clear()
	if !r.Passed() || p.Verbose || !p.Terminal || r.Measured != nil {
		p.result(r)
	}
	for _, name := range r.Updated {
		fmt.Fprintf(p.Out, "wrote %s\n", shown(name))
	}
	if p.GitHub {
		Annotate(p.Out, r)
	}
	p.progress()
}

// Summary is the last line.
func (p *Printer) Summary(results []*Result, took time.Duration) {
	p.clear()
	passed, failed := Count(results)
	text := fmt.Sprintf("%d passed", passed)
	if failed > 0 {
		text += p.red(fmt.Sprintf(", %d failed", failed))
	}
	if left := p.total - len(results); left > 0 {
		text += fmt.Sprintf(", %d not run", left)
	}
	fmt.Fprintf(p.Out, "%s, in %s\n", text, rounded(took))
}

func rounded(d time.Duration) string { return fmt.Sprintf("%.2fs", d.Seconds()) }

func (p *Printer) red(s string) string   { return p.colour("\x1b[1;31m", s) }
func (p *Printer) green(s string) string { return p.colour("\x1b[32m", s) }
func (p *Printer) bold(s string) string  { return p.colour("\x1b[1m", s) }

func (p *Printer) colour(code, s string) string {
	if !p.Colour {
		return s
	}
	return code + s + "\x1b[0m"
}

// progress writes the line that says what is running.
func (p *Printer) progress() {
	if !p.Terminal || p.done == p.total {
		return
	}
	p.clear()
	width := max(p.Width()-1, 1) // a full line would move to the next one
	line := fmt.Sprintf("%d/%d", p.done, p.total)
	if p.failed > 0 {
		line += fmt.Sprintf(", %d failed", p.failed)
	}
	line += ": " + strings.Join(p.running, ", ")
	if letters := []rune(line); len(letters) > width {
		line = string(letters[:width-1]) + "…"
	}
	fmt.Fprint(p.Out, line)
	p.status = true
}

func (p *Printer) clear() {
	if p.status {
		fmt.Fprint(p.Out, "\r\x1b[K")
		p.status = false
	}
}

func (p *Printer) result(r *Result) {
	if r.Passed() {
		fmt.Fprintf(p.Out, "%s %s (%s)\n", p.green("pass"), r.Name, rounded(r.Took))
		if r.Measured != nil {
			fmt.Fprintf(p.Out, "  %s\n", r.Measured)
		}
		return
	}
	fmt.Fprintf(p.Out, "%s %s (%s)\n", p.red("FAIL"), p.bold(r.Name), rounded(r.Took))
	for _, f := range r.Failures {
		fmt.Fprintf(p.Out, "  %s%s\n", place(f), f.Message)
		if f.Detail != "" {
			fmt.Fprintln(p.Out, compare.Indent(strings.TrimRight(f.Detail, "\n"), "    "))
		}
	}
	for _, o := range r.Outputs {
		fmt.Fprintf(p.Out, "  %s %s\n", o.Process, o.Ending)
		for _, part := range [][2]string{{"stdout", o.Stdout}, {"stderr", o.Stderr}} {
			if strings.TrimSpace(part[1]) != "" {
				fmt.Fprintln(p.Out, compare.Indent(part[1], "    "+part[0]+" | "))
			}
		}
	}
	if r.Scratch != "" {
		fmt.Fprintf(p.Out, "  the folder of the test is kept: %s\n", r.Scratch)
	}
}

// shown is a path as seen from the working directory, where that is shorter.
func shown(path string) string {
	wd, err := os.Getwd()
	if rest, below := strings.CutPrefix(path, wd+string(os.PathSeparator)); err == nil && below {
		return rest
	}
	return path
}
