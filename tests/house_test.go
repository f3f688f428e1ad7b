// Package tests looks at flowrun from outside: the built binary on a command
// line (cli), with real peers (interop) and under load (bench), and the rules
// that keep the source pleasant to live in, below.
package tests

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	module          = "github.com/flowrun/flowrun"
	maxFileLines    = 600
	maxPackageLines = 2500 // tests aside
)

// topLevel are the folders of the repository. A new one is a decision about
// the whole, not about the part that wants it.
var topLevel = []string{"cmd", "runtime", "connectors", "codecs", "preprocessors", "flows", "tests"}

// rooms says which packages of this module a package may import. The first
// row that matches counts; in a row, "x/*" is any package below x, and "..."
// any at all. Who may import runtime/flow may import runtime/setting, which is part of the
// same vocabulary. The tests inside a package may import what they need.
var rooms = []struct {
	room string
	may  []string
	why  string
}{
	{"runtime/setting", nil, "it is part of the vocabulary, so it imports nobody"},
	{"runtime/flow", []string{"runtime/setting"}, "it is the vocabulary that everyone imports, so it imports nobody"},
	{"runtime/flowfile", []string{"runtime/flow"}, "it says what a flow file holds, and does nothing with it"},
	{"runtime/flowtest/cputime", nil, "the tests of every package may use it"},
	{"runtime/flowtest", []string{"runtime/flow", "runtime/flowfile", "runtime/feed", "runtime/notice", "runtime/link", "runtime/tlsfiles"}, "its suites must fit every component"},
	{"runtime/link", []string{"runtime/flow", "runtime/valuekey", "runtime/encode", "runtime/histogram", "runtime/outlet", "runtime/queue", "runtime/topic", "runtime/session"}, "it knows one connector and its connections"},
	{"runtime/outlet", []string{"runtime/flow", "runtime/encode", "runtime/histogram", "runtime/queue"}, "it knows the outward half of one connection"},
	{"runtime/queue", []string{"runtime/flow", "runtime/jsontext"}, "it keeps events, and knows no connection"},
	{"runtime/endpoint", nil, "it knows addresses as people write them"},
	{"runtime/access/internal/keys", []string{"runtime/flow", "runtime/endpoint", "runtime/tlsfiles"}, "it knows keys, and nothing of what tokens say"},
	{"runtime/access", []string{"runtime/flow", "runtime/endpoint", "runtime/tlsfiles"}, "it knows requests, and no connector"},
	{"runtime/credentials", []string{"runtime/flow"}, "it knows a client's secrets, and no connector"},
	{"runtime/histogram", nil, "it counts durations, and knows nobody"},
	{"runtime/listen", []string{"runtime/flow", "runtime/tcp", "runtime/tlsfiles"}, "it knows addresses and who answers at them"},
	{"runtime/session", []string{"runtime/flow", "runtime/valuekey"}, "it knows keys and who has them"},
	{"runtime/nonblock", nil, "it knows sockets"},
	{"runtime/sweep", nil, "it knows what time it is, and nothing of whom it looks after"},
	{"runtime/duplex", []string{"runtime/flow", "runtime/nonblock", "runtime/sweep"}, "it knows connections, and nothing of what they carry"},
	{"runtime/feed", nil, "it passes on anything"},
	{"runtime/usage", nil, "it knows processes by their numbers"},
	{"runtime/sse", nil, "it knows a format, and nothing of what is written in it"},
	{"runtime/notice", []string{"runtime/flow", "runtime/jsontext"}, "it spells what is told, and tells nobody"},
	{"runtime/engine/internal/*", []string{"runtime/flow", "runtime/flowfile", "runtime/waits", "runtime/feed", "runtime/notice", "runtime/link", "runtime/graph", "runtime/pipeline", "runtime/status", "runtime/engine/internal/*"}, "each is a craft of the engine, which knows the rest"},
	{"runtime/engine", []string{"runtime/flow", "runtime/flowfile", "runtime/waits", "runtime/feed", "runtime/notice", "runtime/link", "runtime/graph", "runtime/pipeline", "runtime/wiring", "runtime/status", "runtime/histogram", "runtime/listen", "runtime/queue"}, "components reach it as tables, never as imports"},
	{"runtime/graph", []string{"runtime/flow", "runtime/flowfile"}, "it knows what is wired, and builds nothing"},
	{"runtime/status", []string{"runtime/flow", "runtime/histogram", "runtime/link", "runtime/pipeline", "runtime/graph"}, "it says what is known of an engine, and asks none"},
	{"runtime/wiring", []string{"runtime/flow", "runtime/flowfile", "runtime/graph", "runtime/link", "runtime/pipeline"}, "it connects the ports of what is built, and builds nothing"},
	{"runtime/bucket", nil, "it counts what may pass, and knows nobody"},
	{"runtime/tap", []string{"runtime/flow", "runtime/bucket", "runtime/feed", "runtime/jsontext"}, "it copies events, wherever they pass"},
	{"runtime/admin/stream", []string{"runtime/flow", "runtime/flowfile", "runtime/feed", "runtime/notice", "runtime/sse", "runtime/access"}, "it tells what it hears, and knows no engine"},
	{"runtime/admin/look", []string{"runtime/flow", "runtime/flowfile", "runtime/tap", "runtime/sse", "runtime/engine", "runtime/access"}, "it shows what passes in an engine, and steers nothing"},
	{"runtime/admin/metrics", []string{"runtime/flow", "runtime/histogram", "runtime/status"}, "it tells what an engine has counted, and knows no engine"},
	{"runtime/admin", []string{"runtime/flow", "runtime/flowfile", "runtime/feed", "runtime/notice", "runtime/admin/stream", "runtime/admin/look", "runtime/engine", "runtime/status", "runtime/graph", "runtime/link", "runtime/access", "runtime/tlsfiles"}, "it shows an engine and steers it; it knows no component"},
	{"runtime/telemetry", []string{"runtime/flow", "runtime/flowfile", "runtime/bucket", "runtime/tlsfiles"}, "it sends what is counted and what passes, and knows no engine"},
	{"runtime/pipeline", []string{"runtime/flow", "runtime/flowfile", "runtime/valuekey", "runtime/pipeline/step"}, "it chains the steps, and knows nobody else"},
	{"runtime/pipeline/internal/steptest", []string{"runtime/flow", "flows/expr"}, "its expressions are those of flows, and it knows no step"},
	{"runtime/pipeline/step", []string{"runtime/flow", "runtime/valuekey"}, "a step knows events and values"},
	{"runtime/yamltext", []string{"runtime/flow", "runtime/jsontext"}, "it spells scalars as JSON does"},
	{"runtime", nil, "it is documentation"},
	{"runtime/*", []string{"runtime/flow"}, "the parts of the runtime meet in the engine only"},
	{"flows/expr", []string{"runtime/flow", "runtime/jsontext", "flows/expr/arithmetic", "flows/expr/function", "flows/expr/aggregate", "flows/expr/path", "flows/expr/bridge"}, "expressions know values, not components"},
	{"flows/expr/aggregate", []string{"runtime/flow", "runtime/valuekey"}, "aggregates know values only"},
	{"flows/expr/path", []string{"runtime/flow"}, "paths know events only"},
	{"flows/expr/arithmetic", []string{"runtime/flow"}, "it computes with numbers, and knows no expression"},
	{"flows/expr/function", []string{"runtime/flow", "flows/expr/arithmetic", "runtime/jsontext", "runtime/yamltext", "runtime/valuekey", "flows/expr/function/*"}, "functions know values only"},
	{"flows/expr/function/*", []string{"runtime/flow", "flows/expr/function/prefix"}, "each is the craft behind some functions"},
	{"flows/expr/bridge", []string{"runtime/flow", "flows/expr/function"}, "it knows functions and values"},
	{"flows/source", nil, "it knows texts and places in them, not what they mean"},
	{"flows/decode", []string{"runtime/flow", "runtime/endpoint", "flows/source"}, "it fills any configuration, and knows none"},
	{"flows/wiring", []string{"runtime/flow", "runtime/flowfile", "flows/source"}, "it knows what is connected, not how that is written"},
	{"flows/std", nil, "it is text"},
	{"flows/folder", []string{"flows/source"}, "it finds blocks, not what they mean"},
	{"flows/fingerprint", []string{"runtime/flow", "runtime/valuekey", "flows/expr/bridge", "flows/expr/function"}, "it knows what configurations and expressions consist of, not what they are for"},
	{"flows/startup", []string{"runtime/flow", "flows/expr", "flows/fingerprint", "flows/expr/bridge", "flows/source", "flows/decode"}, "it knows names and values, not blocks"},
	{"flows/testfile", []string{"runtime/flow", "flows/source", "flows/decode", "flows/startup"}, "it reads what is to be tested, and runs nothing"},
	{"flows", []string{"runtime/flow", "runtime/queue", "runtime/flowfile", "flows/expr", "flows/source", "flows/decode", "flows/fingerprint", "flows/startup", "flows/std", "flows/folder", "flows/wiring"}, "components reach it as tables, never as imports"},
	{"codecs", []string{"runtime/flow", "runtime/jsontext", "runtime/yamltext", "codecs/*"}, "it is the table of codecs, and knows events and bytes"},
	{"codecs/bgp", []string{"runtime/flow", "runtime/jsontext", "codecs/internal/*", "codecs/bgp/internal/*"}, "a codec knows events and bytes"},
	{"codecs/bgp/internal/*", []string{"codecs/bgp/internal/*"}, "it spells a part of messages"},
	{"codecs/internal/*", []string{"runtime/flow", "runtime/jsontext"}, "it spells what several codecs have in common"},
	{"codecs/*", []string{"runtime/flow", "runtime/jsontext", "codecs/internal/*"}, "a codec knows events and bytes"},
	{"preprocessors/internal/*", nil, "it knows bytes, and no processor"},
	{"preprocessors", []string{"runtime/flow", "preprocessors/internal/*"}, "a processor knows bytes"},
	{"connectors", []string{"connectors/*", "runtime/flow"}, "it is the table of connectors"},
	{"connectors/ws/internal/ending", []string{"runtime/flow"}, "it reads what a flow wrote, and ends nothing"},
	{"connectors/ws/internal/frame", nil, "it knows what is on the wire, and no connection"},
	{"connectors/ws/internal/deflate", []string{"runtime/flow", "connectors/ws/internal/frame"}, "it knows frames, and no connection"},
	{"connectors/ws/internal/socket", []string{"runtime/flow", "runtime/duplex", "connectors/ws/internal/ending", "connectors/ws/internal/frame", "connectors/ws/internal/deflate"}, "it knows connections, and nothing of what they are for"},
	{"connectors/ws", []string{"runtime/flow", "runtime/endpoint", "runtime/tcp", "runtime/credentials", "runtime/access", "runtime/tlsfiles", "runtime/goodbye", "connectors/ws/internal/*"}, "it makes connectors of connections"},
	{"connectors/stream/internal/socket", []string{"runtime/flow", "runtime/duplex"}, "it knows connections, and nothing of what they are for"},
	{"connectors/stream", []string{"runtime/flow", "runtime/endpoint", "runtime/tcp", "runtime/access", "runtime/tlsfiles", "runtime/goodbye", "connectors/stream/internal/socket"}, "it makes connectors of connections"},
	{"connectors/observe", []string{"runtime/flow", "runtime/notice"}, "it knows what the process tells, and who lets it hear"},
	{"connectors/http/internal/call", []string{"runtime/flow", "runtime/endpoint", "runtime/credentials", "runtime/tcp", "runtime/waits"}, "it asks servers, and knows nothing of who wants to know"},
	{"connectors/http/internal/wrote", []string{"runtime/flow", "runtime/endpoint"}, "it reads what a flow wrote, and sends nothing"},
	{"connectors/http/internal/client", []string{"runtime/flow", "runtime/endpoint", "runtime/credentials", "runtime/tlsfiles", "runtime/waits", "connectors/http/internal/*"}, "it makes a connector of requests"},
	{"connectors/http", []string{"runtime/flow", "runtime/nonblock", "runtime/endpoint", "runtime/access", "runtime/tlsfiles", "runtime/goodbye", "runtime/sse", "connectors/http/internal/*"}, "it makes connectors of requests"},
	{"connectors/exec", []string{"runtime/flow", "runtime/nonblock"}, "it makes a connector of a program"},
	{"connectors/file/internal/*", []string{"connectors/file/internal/*"}, "each is a craft of the file connector"},
	{"connectors/file", []string{"runtime/flow", "connectors/file/internal/*"}, "it makes connectors of files"},
	{"connectors/*", []string{"runtime/flow", "runtime/endpoint", "runtime/access", "runtime/tlsfiles", "runtime/goodbye", "runtime/sse"}, "a connector knows its world, who may connect, and the runtime's vocabulary, no other component"},
	{"cmd/*", []string{"..."}, ""},
	{"tests", []string{"runtime/flowtest", "runtime/usage"}, "they use flowrun as its users do: the built binary"},
	{"tests/*", []string{"runtime/flowtest", "runtime/usage", "tests/*"}, "they use flowrun as its users do: the built binary"},
}

// guests says where a dependency that must not spread may be used, outside
// of tests.
var guests = map[string][]string{
	"github.com/hashicorp/hcl/v2":    {"flows", "flows/*", "runtime/pipeline/internal/steptest"},
	"github.com/zclconf/go-cty":      {"flows", "flows/*"},
	"github.com/coder/websocket":     {"connectors/ws/internal/socket", "runtime/admin/stream", "cmd/*", "tests/*"},
	"github.com/cenkalti/backoff/v4": {"runtime/waits"},
	"github.com/fsnotify/fsnotify":   {"connectors/file", "cmd/*"},
	"github.com/spf13/cobra":         {"cmd/*"},
	"github.com/goccy/go-yaml":       {"runtime/yamltext"},
	"github.com/golang-jwt/jwt/v5":   {"runtime/access", "runtime/access/internal/keys", "tests/*"},
	"github.com/MicahParks/jwkset":   {"runtime/access/internal/keys"},
	"golang.org/x/crypto":            {"runtime/access"},
	"github.com/pires/go-proxyproto": {"runtime/listen"},

	"github.com/osrg/gobgp/v4":               {"codecs/bgp", "codecs/bgp/internal/session", "codecs/bgp/internal/spelling", "tests/bench"},
	"github.com/twmb/avro":                   {"codecs/avro"},
	"github.com/leodido/go-syslog/v4":        {"codecs/syslog"},
	"github.com/influxdata/line-protocol/v2": {"codecs/influx"},

	"github.com/prometheus/client_golang": {"runtime/admin/metrics", "runtime/telemetry"},
	"go.opentelemetry.io":                 {"runtime/telemetry", "tests/*"},
}

// source is one Go file of the repository.
type source struct {
	path  string // from the root, with slashes
	dir   string
	test  bool
	lines int
	ast   *ast.File
	fset  *token.FileSet
}

func (s *source) at(p token.Pos) string {
	return fmt.Sprintf("%s:%d", s.path, s.fset.Position(p).Line)
}

// imports yields the paths that the file imports.
func (s *source) imports() []string {
	var paths []string
	for _, i := range s.ast.Imports {
		paths = append(paths, strings.Trim(i.Path.Value, `"`))
	}
	return paths
}

func root() string { return ".." }

func readSources(t *testing.T) []*source {
	t.Helper()
	var all []*source
	fset := token.NewFileSet()
	err := filepath.WalkDir(root(), func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root(), name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if base := d.Name(); rel != "." && (base == "testdata" || base == "node_modules" || base[0] == '.' || base[0] == '_') {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(rel, ".go") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(fset, rel, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		all = append(all, &source{
			path: rel, dir: path.Dir(rel), test: strings.HasSuffix(rel, "_test.go"),
			lines: bytes.Count(text, []byte("\n")), ast: file, fset: fset,
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatalf("no Go file below %s", root())
	}
	return all
}

// matches reports whether the package dir is meant by pattern.
func matches(pattern, dir string) bool {
	if pattern == "..." || pattern == dir {
		return true
	}
	above, ok := strings.CutSuffix(pattern, "/*")
	return ok && strings.HasPrefix(dir, above+"/")
}

func anyMatches(patterns []string, dir string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, dir) })
}

func TestTopLevelFolders(t *testing.T) {
	entries, err := os.ReadDir(root())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() && e.Name()[0] != '.' && !slices.Contains(topLevel, e.Name()) {
			t.Errorf("%s/ is not one of the top-level folders (%s): put it into one of them", e.Name(), strings.Join(topLevel, " "))
		}
	}
}

func TestImports(t *testing.T) {
	for _, s := range readSources(t) {
		inTests := matches("tests/*", s.dir) || s.dir == "tests"
		if s.test && !inTests {
			continue
		}
		for _, imported := range s.imports() {
			if own, ok := ownPackage(imported); ok {
				checkOwn(t, s, own)
				continue
			}
			for guest, homes := range guests {
				if (imported == guest || strings.HasPrefix(imported, guest+"/")) && !anyMatches(homes, s.dir) {
					t.Errorf("%s imports %s, which belongs to %s only", s.path, imported, strings.Join(homes, ", "))
				}
			}
			if s.dir == "runtime/flow" && strings.Contains(imported, ".") && !strings.HasPrefix(imported, "go.uber.org/zap") {
				t.Errorf("%s imports %s: the vocabulary needs the standard library and zap only", s.path, imported)
			}
		}
	}
}

func ownPackage(imported string) (string, bool) {
	if imported == module {
		return ".", true
	}
	return strings.CutPrefix(imported, module+"/")
}

func checkOwn(t *testing.T, s *source, own string) {
	t.Helper()
	for _, r := range rooms {
		if !matches(r.room, s.dir) {
			continue
		}
		vocabulary := own == "runtime/setting" && anyMatches(r.may, "runtime/flow")
		if !vocabulary && !anyMatches(r.may, own) && !strings.HasPrefix(own, s.dir+"/internal/") {
			t.Errorf("%s imports %s, which %s may not: %s", s.path, own, s.dir, r.why)
		}
		return
	}
	t.Errorf("%s: package %s has no row in the table of rooms", s.path, s.dir)
}

func TestNoInit(t *testing.T) {
	for _, s := range readSources(t) {
		for _, d := range s.ast.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s: init() hides what happens when; put a row into a table, or call it from main", s.at(f.Pos()))
			}
		}
	}
}

func TestSizes(t *testing.T) {
	packages := map[string]int{}
	for _, s := range readSources(t) {
		if s.lines > maxFileLines {
			t.Errorf("%s has %d lines, more than %d: it tells more than one story", s.path, s.lines, maxFileLines)
		}
		if !s.test {
			packages[s.dir] += s.lines
		}
	}
	for dir, lines := range packages {
		if lines > maxPackageLines {
			t.Errorf("package %s has %d lines, more than %d (tests aside): split it where it has two jobs", dir, lines, maxPackageLines)
		}
	}
}

func TestPackageNames(t *testing.T) {
	forbidden := []string{"util", "utils", "common", "helper", "helpers"}
	for _, s := range readSources(t) {
		name := strings.TrimSuffix(s.ast.Name.Name, "_test")
		if slices.Contains(forbidden, name) || slices.Contains(forbidden, path.Base(s.dir)) {
			t.Errorf("%s: a package named %q says nothing about what is in it", s.path, name)
		}
	}
}

func TestPackageDocumentation(t *testing.T) {
	docs := map[string][]*source{}
	for _, s := range readSources(t) {
		if docs[s.dir] == nil {
			docs[s.dir] = []*source{}
		}
		if s.ast.Doc != nil && !strings.HasPrefix(s.ast.Doc.Text(), "Code generated") {
			docs[s.dir] = append(docs[s.dir], s)
		}
	}
	for dir, files := range docs {
		switch {
		case len(files) == 0:
			t.Errorf("package %s has no package comment: say what it is for and how its parts work together", dir)
		case len(files) > 1:
			t.Errorf("package %s has several package comments, in %s and %s: a story has one beginning", dir, files[0].path, files[1].path)
		case len(strings.Fields(files[0].ast.Doc.Text())) < 12:
			t.Errorf("%s: the package comment of %s is too short to tell its story", files[0].path, dir)
		}
	}
}

// TestNoSleep keeps tests from waiting on the clock: they are slow when the
// time is chosen long and flaky when it is short. Inside a bubble of
// testing/synctest the clock is not real, and sleeping is how time passes.
func TestNoSleep(t *testing.T) {
	for _, s := range readSources(t) {
		if !s.test || slices.Contains(s.imports(), "testing/synctest") {
			continue
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "Sleep" {
				if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "time" {
					t.Errorf("%s: time.Sleep in a test; wait for a condition, or use testing/synctest", s.at(n.Pos()))
				}
			}
			return true
		})
	}
}

func TestNothingLeftToDo(t *testing.T) {
	for _, s := range readSources(t) {
		for _, group := range s.ast.Comments {
			for _, c := range group.List {
				for _, mark := range []string{"TO" + "DO", "FIX" + "ME", "XX" + "X:"} {
					if strings.Contains(c.Text, mark) {
						t.Errorf("%s: %s: do it, or open an issue", s.at(c.Pos()), mark)
					}
				}
			}
		}
	}
}

// TestInvariants looks for the tests that the documentation of the runtime
// names as the proof of what always holds.
func TestInvariants(t *testing.T) {
	sources := readSources(t)
	tests := map[string]bool{} // "dir TestName"
	var doc string
	for _, s := range sources {
		if s.path == "runtime/doc.go" {
			doc = s.ast.Doc.Text()
		}
		for _, d := range s.ast.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && s.test {
				tests[s.dir+" "+f.Name.Name] = true
			}
		}
	}
	named := 0
	for line := range strings.Lines(doc) {
		fields := strings.Fields(line)
		for i := 1; i < len(fields); i++ {
			if !strings.HasPrefix(fields[i], "Test") {
				continue
			}
			named++
			if !tests[fields[0]+" "+fields[i]] {
				t.Errorf("runtime/doc.go names %s in %s, which is not there", fields[i], fields[0])
			}
		}
	}
	if named == 0 {
		t.Error("runtime/doc.go names no tests")
	}
}

// TestRooms keeps the table of rooms honest: a row whose folder has gone would
// look like a rule and be none.
func TestRooms(t *testing.T) {
	dirs := map[string]bool{}
	for _, s := range readSources(t) {
		dirs[s.dir] = true
	}
	for _, r := range rooms {
		used := false
		for dir := range dirs {
			used = used || matches(r.room, dir)
		}
		if !used {
			t.Errorf("the table of rooms has a row for %s, where no package is", r.room)
		}
	}
}
