package peer

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"go.uber.org/goleak"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/peer/signals"
	"github.com/flowrun/flowrun/flows/testfile"
	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/runtime/setting"
)

var update = flag.Bool("update", false, "write what the scripts report into testdata")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long steps may take that do not say so themselves.
const patience = 5 * time.Minute

// tables is what a runner of test files hands to package testfile.
func tables() *testfile.Tables {
	t := &testfile.Tables{
		Peer:  func() any { c := DefaultConfig(); c.Within = setting.Duration(patience); return &c },
		Holds: func(config any) bool { _, ok := config.(Block); return ok },
		Fill:  func(config any, steps []testfile.Step) { *config.(Block).Body() = placed(steps) },
	}
	for _, k := range Kinds {
		t.Steps = append(t.Steps, testfile.StepTable{Name: k.Name, Config: func() any { return k.Config() }})
	}
	return t
}

func placed(steps []testfile.Step) (all []PlacedStep) {
	for _, s := range steps {
		all = append(all, PlacedStep{Kind: s.Kind, At: s.At, Step: s.Config.(Step)})
	}
	return all
}

// load reads the peers that stand in text; problems is what is wrong with it.
func load(t *testing.T, name, text string) (scripts []*Script, problems string) {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	file := filepath.Join(dir, name+testfile.Suffix)
	if err := os.WriteFile(file, []byte("test \"t\" {\n"+text+"\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("three.txt", []byte("one\ntwo\nthree\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := testfile.Open(file, tables())
	if problems = f.Report.Text(false); problems != "" || len(f.Cases) != 1 {
		return nil, problems
	}
	port := func() (int, error) {
		addr, err := netip.ParseAddrPort(flowtest.FreeAddress(t))
		return int(addr.Port()), err
	}
	c, report := f.Cases[0].Test(testfile.Binding{Dir: dir, Port: port})
	if problems = report.Text(false); problems != "" {
		return nil, problems
	}
	board := signals.New()
	for _, p := range c.Peers {
		scripts = append(scripts, &Script{Name: p.Name, At: p.At, Config: *p.Config.(*Config), Steps: placed(p.Steps), Signals: board})
	}
	return scripts, ""
}

// runAll plays the scripts side by side, servers first, and returns what they
// report.
func runAll(t *testing.T, scripts []*Script) string {
	reports := make([]*Report, len(scripts))
	var wg, listening sync.WaitGroup
	start := func(i int) {
		wg.Go(func() { reports[i] = Run(t.Context(), scripts[i]) })
	}
	for i, s := range scripts {
		if !s.Config.Listen.IsZero() {
			listening.Add(1)
			s.Listening = func(string) { listening.Done() }
			start(i)
		}
	}
	listening.Wait()
	for i, s := range scripts {
		if s.Config.Listen.IsZero() {
			start(i)
		}
	}
	wg.Wait()
	var b strings.Builder
	for _, r := range reports {
		b.WriteString(r.String())
	}
	return b.String()
}

var (
	since   = regexp.MustCompile(`(?m)^( +)\d+\.\d{3}s`)
	after   = regexp.MustCompile(`after \d+(\.\d+)?(ms|s)\b`)
	address = regexp.MustCompile(`127\.0\.0\.1:\d+`)
)

// steady leaves out of a report what is different each time.
func steady(report string) string {
	report = since.ReplaceAllString(report, "${1}#.###s")
	report = after.ReplaceAllString(report, "after #")
	return address.ReplaceAllString(report, "ADDRESS")
}

// TestScripts plays what stands in testdata/*.txtar: sections NAME.hcl with
// peers, which must go well, and fail as NAME.want says where that is there.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts in testdata: %v", err)
	}
	server := echo(t)
	for _, file := range files {
		path, err := filepath.Abs(file)
		if err != nil {
			t.Fatal(err)
		}
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		wants := map[string]string{}
		for _, f := range archive.Files {
			if name, ok := strings.CutSuffix(f.Name, ".want"); ok {
				wants[name] = string(f.Data)
			}
		}
		fresh := &txtar.Archive{Comment: archive.Comment}
		for _, f := range archive.Files {
			name, ok := strings.CutSuffix(f.Name, ".hcl")
			if !ok {
				continue
			}
			want, fails := wants[name]
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar")+"/"+name, func(t *testing.T) {
				scripts, got := load(t, name, strings.ReplaceAll(string(f.Data), "ECHO", server))
				if got == "" {
					got = runAll(t, scripts)
				}
				got = steady(got)
				fresh.Files = append(fresh.Files, f)
				if fails {
					fresh.Files = append(fresh.Files, txtar.File{Name: name + ".want", Data: []byte(got)})
				}
				switch {
				case fails && got == "":
					t.Errorf("it went well, and should have failed with\n%s", want)
				case fails && !*update || !fails:
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("the report is another one (- want, + got):\n%s\n%s", diff, got)
					}
				}
			})
		}
		if *update && !strings.Contains(flag.Lookup("test.run").Value.String(), "/") {
			if err := os.WriteFile(path, txtar.Format(fresh), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestExamples reads the example of every kind of step.
func TestExamples(t *testing.T) {
	for _, k := range Kinds {
		text := fmt.Sprintf("peer \"x\" {\n  connect = \"ws://127.0.0.1:1\"\n%s}\n", k.Example)
		if _, problems := load(t, k.Name, text); problems != "" {
			t.Errorf("the example of %s: %s", k.Name, problems)
		}
		if k.Summary == "" || k.Example == "" {
			t.Errorf("%s is not documented", k.Name)
		}
	}
}
