package cli

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flowrun/flowrun/tests/process"
)

const readme = "../../README.md"

// block is a fenced block of a page.
type block struct{ kind, text string }

func blocksOf(t *testing.T, page string) []block {
	t.Helper()
	var blocks []block
	for _, m := range regexp.MustCompile("(?ms)^( *)```(\\w*)\n(.*?)^ *```$").FindAllStringSubmatch(read(t, page), -1) {
		text := strings.ReplaceAll("\n"+m[3], "\n"+m[1], "\n")
		blocks = append(blocks, block{m[2], text[1:]})
	}
	if len(blocks) == 0 {
		t.Fatalf("%s has no code", page)
	}
	return blocks
}

// textsOf are the blocks of one kind.
func textsOf(t *testing.T, page, kind string) (texts []string) {
	t.Helper()
	for _, b := range blocksOf(t, page) {
		if b.kind == kind {
			texts = append(texts, b.text)
		}
	}
	return texts
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestReadmeFlows compares the flows that the README explains with those that
// it tells readers to run.
func TestReadmeFlows(t *testing.T) {
	shown := textsOf(t, readme, "hcl")
	if len(shown) != 2 {
		t.Fatalf("the README shows %d flows, not 2", len(shown))
	}
	_, shipped, _ := strings.Cut(read(t, "../../flows/examples/echo.hcl"), "\n\n") // without its heading
	if diff := cmp.Diff(shipped, shown[0]); diff != "" {
		t.Errorf("the README's flow is not flows/examples/echo.hcl (-shipped +README):\n%s", diff)
	}
	if !strings.Contains(read(t, "../../flows/examples/enrich.hcl"), "\n"+shown[1]) {
		t.Errorf("this is not in flows/examples/enrich.hcl:\n%s", shown[1])
	}
}

var piped = regexp.MustCompile(`^echo '(.*)' \| (.*)$`)

// TestReadmeCommands runs what the README says, in its order, with the output
// that it shows. Servers stay up for the commands after them.
func TestReadmeCommands(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	t.Cleanup(cancel)    // after the processes have been ended
	url := "127.0.0.1:0" // the port in the flows may be taken on this machine
	binary, blocks := built(t), blocksOf(t, readme)
	ran := 0
	for i, b := range blocks {
		if b.kind != "sh" {
			continue
		}
		command := strings.TrimSpace(b.text)
		if command == "go test ./..." {
			if !strings.HasSuffix(read(t, "../../.ci/run"), command+"\n") {
				t.Errorf(".ci/run does not end with %s", command)
			}
			continue
		}
		ran++
		command = strings.ReplaceAll(command, "go run ./cmd/flowrun", "exec "+binary) // built from there
		if m := piped.FindStringSubmatch(command); m != nil {
			command = m[2] + " <<'END'\n" + m[1] + "\nEND\n" // so that signals reach it
		}
		opts := process.Options{Dir: "../..", Env: []string{"FLOWRUN_VAR_url=" + url}}
		p, err := process.Start(ctx, opts, "sh", "-c", command)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { end(t, p, strings.Contains(command, "server run")) })
		if i+1 < len(blocks) && blocks[i+1].kind == "output" {
			want := blocks[i+1].text
			if err := p.Stdout.Wait(ctx, func(got string) bool { return got == want }); err != nil {
				t.Errorf("%s\nprints %q instead of %q: %v; on standard error:\n%s", command, p.Stdout, want, err, p.Stderr)
			}
			continue
		}
		if url, err = p.Listening(ctx, "edge"); err != nil {
			t.Fatal(err)
		}
	}
	if ran < 3 {
		t.Errorf("only %d commands of the README could be run", ran)
	}
}

// end waits for a process to end by itself, or stops it as the README says,
// with Ctrl-C.
func end(t *testing.T, p *process.Process, interrupt bool) {
	if interrupt {
		if err := p.Signal(syscall.SIGINT); err != nil {
			t.Error(err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if code, err := p.Wait(ctx); code != 0 || err != nil {
		t.Errorf("it ends with exit code %d, %v; on standard error:\n%s", code, err, p.Stderr)
	}
}

// TestReadmeDependencies compares the list of dependencies with go.mod.
func TestReadmeDependencies(t *testing.T) {
	var direct []string
	for line := range strings.Lines(read(t, "../../go.mod")) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "require ")
		if fields := strings.Fields(line); len(fields) == 2 && strings.HasPrefix(fields[1], "v") {
			direct = append(direct, fields[0])
		}
	}
	_, section, _ := strings.Cut(read(t, readme), "\n## Dependencies\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var listed []string
	for _, m := range regexp.MustCompile("`([a-z.]+/[^`]+)`").FindAllStringSubmatch(section, -1) {
		if m[1] != ".ci/run" {
			listed = append(listed, m[1])
		}
	}
	slices.Sort(direct)
	slices.Sort(listed)
	if diff := cmp.Diff(direct, listed); diff != "" {
		t.Errorf("the README's dependencies are not those of go.mod (-go.mod +README):\n%s", diff)
	}
}

// TestLinks follows links to files, and to headings in them.
func TestLinks(t *testing.T) {
	for _, page := range []string{readme, operators} {
		for _, m := range regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(read(t, page), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			name, heading, _ := strings.Cut(m[1], "#")
			file := page
			if name != "" {
				file = filepath.Join(filepath.Dir(page), name)
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s links to %s: %v", page, m[1], err)
			} else if heading != "" && !slices.Contains(headingsOf(read(t, file)), heading) {
				t.Errorf("%s links to %s, where that heading is not", page, m[1])
			}
		}
	}
}

// headingsOf are the names under which GitHub lets one link to headings.
func headingsOf(text string) (all []string) {
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(text, -1) {
		name := regexp.MustCompile(`[^\w -]`).ReplaceAllString(strings.ToLower(m[1]), "")
		all = append(all, strings.ReplaceAll(name, " ", "-"))
	}
	return all
}

// TestReadmeRooms looks for the folders on the map, and for packages that are
// missing there.
func TestReadmeRooms(t *testing.T) {
	_, section, _ := strings.Cut(read(t, readme), "\n## The rooms\n")
	section, _, _ = strings.Cut(section, "\n## ")
	above, rooms := "", map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^(  )?([\w/]+)/ +\w`).FindAllStringSubmatch(section, -1) {
		if m[1] == "" {
			above = m[2]
		} else {
			m[2] = above + "/" + m[2]
		}
		rooms[m[2]] = true
		if _, err := os.Stat("../../" + m[2]); err != nil {
			t.Errorf("the map of rooms has %s: %v", m[2], err)
		}
	}
	for _, top := range []string{"runtime", "flows"} {
		entries, err := os.ReadDir("../../" + top)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if room := top + "/" + e.Name(); e.IsDir() && e.Name() != "testdata" && !rooms[room] {
				t.Errorf("the map of rooms lacks %s", room)
			}
		}
	}
}
