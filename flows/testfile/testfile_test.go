package testfile_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/flowrun/flowrun/flows/testfile"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

var update = flag.Bool("update", false, "write what comes into the golden files")

// A table of steps as small as can be.
type (
	config struct {
		Connect string `hcl:"connect" required:"true"`
	}
	say struct {
		Text  flow.Expr `hcl:"text" vars:"index"`
		Count int       `hcl:"count" min:"1"`
	}
	wait struct {
		Name string `hcl:"name,label"`
	}
	ring struct {
		Name string `hcl:"name,label"`
	}
	again struct {
		Times int `hcl:"times"`
		body  []testfile.Step
	}
)

func (c *config) Check() error {
	if !strings.HasPrefix(c.Connect, "ws://") {
		return &setting.Error{Field: "connect", Err: errors.New("connect is no URL")}
	}
	return nil
}

func tables() *testfile.Tables {
	return &testfile.Tables{
		Load: func() any { return &config{} },
		Peer: func() any { return &config{} },
		Steps: []testfile.StepTable{
			{Name: "say", Config: func() any { return &say{Count: 1} }},
			{Name: "wait", Config: func() any { return &wait{} }},
			{Name: "ring", Config: func() any { return &ring{} }},
			{Name: "again", Config: func() any { return &again{Times: 2} }},
		},
		Holds: func(config any) bool { _, ok := config.(*again); return ok },
		Fill:  func(config any, steps []testfile.Step) { config.(*again).body = steps },
		Signal: func(config any) (gives, awaits string) {
			switch step := config.(type) {
			case *ring:
				return step.Name, ""
			case *wait:
				return "", step.Name
			}
			return "", ""
		},
	}
}

// open writes the files of an archive into the working directory and opens
// x.test.hcl.
func open(t *testing.T, files []txtar.File) *testfile.File {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, f := range files {
		if err := os.WriteFile(f.Name, f.Data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return testfile.Open("x.test.hcl", tables())
}

// TestMistakes compares reports with the last file of each archive.
func TestMistakes(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no testdata: %v", err)
	}
	for _, name := range names {
		abs, err := filepath.Abs(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(abs)
			if err != nil {
				t.Fatal(err)
			}
			last := len(archive.Files) - 1
			if archive.Files[last].Name != "report" {
				t.Fatal("the last file of the archive is not the report")
			}
			f := open(t, archive.Files[:last])
			report := f.Report.Text(false)
			for _, c := range f.Cases {
				if text := c.Report.Text(false); text != "" {
					report += "== " + c.Name + "\n" + text
				}
			}
			if *update {
				archive.Files[last].Data = []byte(report)
				if err := os.WriteFile(abs, txtar.Format(archive), 0o666); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(archive.Files[last].Data), report); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

const whole = `
test "all" {
  tags    = ["a", "b"]
  timeout = "2s"
  env     = { A = "1" }
  locals {
    port = free_port()
    url  = "ws://127.0.0.1:${local.port}"
  }
  before "server" {
    flow = "x.hcl"
    vars = { url = local.url, n = 1, list = ["a"] }
    args = ["--log-level", "debug"]
    ready {
      port    = local.port
      log     = "^up$"
      timeout = "1s"
    }
  }
  run {
    command = ["echo", "${local.port}"]
    stdin   = file("x.hcl")
  }
  peer "alice" {
    say {
      text = "${index}"
    }
    connect = local.url
    wait "bob" {}
    again {
      say {}
      wait "carol" {}
      times = 3
    }
  }
  peer "bob" {
    connect = local.url
    ring "bob" {}
    again {
      ring "carol" {}
      ring "joined" {}
    }
  }
  interrupt "drain" {
    to     = "server"
    await  = "joined"
    signal = "SIGINT"
  }
  expect {
    exit_code = 3
    stdout {
      events = []
    }
    file "a.b.c" {
      text     = ""
      contains = ["x"]
    }
  }
}
`

func TestAnswers(t *testing.T) {
	f := open(t, []txtar.File{{Name: "x.test.hcl", Data: []byte(whole)}, {Name: "x.hcl", Data: []byte("flow {}\n")}})
	if len(f.Cases) != 1 || f.Report.HasErrors() || f.Cases[0].Report.HasErrors() {
		t.Fatal(f.Report.Text(false), f.Cases)
	}
	c := f.Cases[0]
	if diff := cmp.Diff([]string{"a", "b"}, c.Tags); diff != "" {
		t.Error(diff)
	}
	ports := []int{4001}
	test, report := c.Test(testfile.Binding{Dir: f.Dir, Port: func() (int, error) {
		if len(ports) == 0 {
			return 0, errors.New("no port is free")
		}
		port := ports[0]
		ports = ports[1:]
		return port, nil
	}})
	if report.HasErrors() {
		t.Fatal(report.Text(false))
	}
	server := test.Before[0]
	if server.Ready.Port != 4001 || !server.Ready.Log.MatchString("x\nup\ny") || server.Vars["url"].Text() != "ws://127.0.0.1:4001" || server.Vars["list"].Kind() != flow.List {
		t.Errorf("before: %+v", server)
	}
	if diff := cmp.Diff([]string{"echo", "4001"}, test.Run.Command); diff != "" || test.Run.Stdin != "flow {}\n" {
		t.Error(diff, test.Run.Stdin)
	}
	var kinds []string
	for _, s := range test.Peers[0].Steps {
		kinds = append(kinds, s.Kind)
	}
	if diff := cmp.Diff([]string{"say", "wait", "again"}, kinds); diff != "" {
		t.Error(diff)
	}
	inner := test.Peers[0].Steps[2].Config.(*again)
	if inner.Times != 3 || len(inner.body) != 2 || inner.body[1].Config.(*wait).Name != "carol" {
		t.Errorf("again: %+v", inner)
	}
	if test.Peers[0].At.Line != 24 || test.Peers[0].Steps[1].At.Line != 29 {
		t.Errorf("places: %v, %v", test.Peers[0].At, test.Peers[0].Steps[1].At)
	}
	e := test.Expect
	if !e.ExitCode.Given || e.ExitCode.N != 3 || !e.Stdout.HasEvents || e.Stdout.Format != "ndjson" || e.Files[0].Path != "a.b.c" || e.Files[0].At.Line != 54 {
		t.Errorf("expect: %+v, %+v", e, e.Files[0])
	}
	if i := test.Interrupts[0]; i.Count != 1 || i.Signal != "SIGINT" || i.To != "server" {
		t.Errorf("interrupt: %+v", i)
	}
	if _, report := c.Test(testfile.Binding{Dir: f.Dir, Port: func() (int, error) { return 0, errors.New("no port is free") }}); !strings.Contains(report.Text(false), "free_port(): lease a port: no port is free") {
		t.Error(report.Text(false))
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(whole)
	for _, text := range []string{
		"unit \"u\" {\n flow = \"x\"\n pipeline = \"p\"\n in = [1]\n out = [2]\n}\n",
		"expression \"e\" {\n check \"c\" {\n expr = event + 1\n result = 2\n }\n}\n",
		"test \"t\" {\n peer \"a\" {}\n}\n", "test {}", "test \"a\" \"b\" {}", "x = 1",
	} {
		f.Add(text)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(dir, "x.test.hcl")
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		file := testfile.Open(path, tables())
		_ = file.Report.Text(false)
		for _, c := range file.Cases {
			_ = c.Report.Text(false)
		}
	})
}

// TestManyCases: what a file costs grows as its cases do.
func TestManyCases(t *testing.T) {
	cost := func(cases int) float64 {
		var text strings.Builder
		for i := range cases {
			fmt.Fprintf(&text, "test \"n%d\" {\n  run {\n    command = [\"true\"]\n  }\n  expect {\n    exit_code = 0\n  }\n}\n", i)
		}
		f := open(t, []txtar.File{{Name: "x.test.hcl", Data: []byte(text.String())}})
		if f.Report.HasErrors() || len(f.Cases) != cases || f.Cases[cases-1].At.Line != 8*(cases-1)+1 {
			t.Fatalf("%d cases, not %d: %s", len(f.Cases), cases, f.Report.Text(false))
		}
		return testing.AllocsPerRun(1, func() { testfile.Open("x.test.hcl", tables()) })
	}
	if few, many := cost(10), cost(100); many > 15*few {
		t.Errorf("100 cases take %v allocations, 10 take %v", many, few)
	}
}
