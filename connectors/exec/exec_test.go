package exec_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/flowrun/flowrun/connectors/exec"
	"github.com/flowrun/flowrun/preprocessors"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/runtime/setting"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// running is a configuration of a program that hurries.
func running(mode string, command ...string) *exec.Config {
	c := exec.Specs[0].Config().(*exec.Config)
	c.Command, c.Mode = command, mode
	c.StartTime = setting.Duration(time.Millisecond)
	return c
}

func shell(mode, script string) *exec.Config { return running(mode, "sh", "-c", script) }

type scene struct {
	t         *testing.T
	host      *flowtest.Host
	connector flow.Connector
}

// newScene has a program read and print lines.
func newScene(t *testing.T, config *exec.Config) *scene {
	t.Helper()
	c, err := config.New()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(preprocessors.All, func(s flow.Spec[flow.ProcessorConfig]) bool { return s.Name == "separate" })
	in, out, err := preprocessors.All[i].Config().New()
	if err != nil {
		t.Fatal(err)
	}
	return &scene{t, flowtest.NewHost(t, flowtest.Options{
		Shape: config.Shape(),
		Pre:   []flow.ProcessorUse{{Type: "separate", New: in, Text: true}},
		Post:  []flow.ProcessorUse{{Type: "separate", New: out, Text: true}},
	}), c}
}

func (s *scene) start() *flowtest.Running { return flowtest.Start(s.t, s.connector, s.host) }

func (s *scene) send(texts ...string) {
	s.t.Helper()
	if err := s.host.Send(s.t.Context(), texts...); err != nil {
		s.t.Fatalf("Send: %v", err)
	}
}

func (s *scene) prints(want ...string) {
	s.t.Helper()
	if diff := cmp.Diff(want, flowtest.Texts(s.t, s.host.Out.Wait(s.t, len(want)))); diff != "" {
		s.t.Errorf("what it prints: %s", diff)
	}
}

// logged returns the lines that the program said.
func (s *scene) logged() (all []string) {
	for _, e := range s.host.Logs.FilterMessage("the program says").All() {
		all = append(all, fmt.Sprint(e.ContextMap()["line"]))
	}
	return all
}

func TestConformance(t *testing.T) {
	for name, config := range map[string]*exec.Config{
		"filter": running("filter", "cat"),
		"source": running("source", "sleep", "1000"),
		"sink":   shell("sink", "exec cat >/dev/null"),
	} {
		t.Run(name, func(t *testing.T) {
			flowtest.Connector(t, func(*testing.T) flow.ConnectorConfig { return config })
		})
	}
}

func TestFilter(t *testing.T) {
	s := newScene(t, shell("filter", "echo ready >&2; exec cat"))
	run := s.start()
	s.send("one", "two")
	s.prints("one", "two")
	var many []string
	for n := range 5000 {
		many = append(many, fmt.Sprint(n, " ", strings.Repeat("x", n%100)))
	}
	s.send(many...)
	s.host.Out.Wait(t, 5002)
	if err := run.Stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if diff := cmp.Diff(append([]string{"one", "two"}, many...), flowtest.Texts(t, s.host.Out.Events())); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"ready"}, s.logged()); diff != "" {
		t.Errorf("the log: %s", diff)
	}
}

// What a program prints when its input has ended still comes.
func TestDrainWaitsForTheLastWord(t *testing.T) {
	s := newScene(t, running("filter", "sort", "-r"))
	run := s.start()
	s.send("a", "b", "c")
	if err := run.Stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	s.prints("c", "b", "a")
}

func TestSink(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	config := running("sink", "sh", "-c", `echo this is for the log; exec cat >"$1"`, "sh", path)
	s := newScene(t, config)
	run := s.start()
	s.send("one", "two")
	if err := run.Stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	text, err := os.ReadFile(path)
	if err != nil || string(text) != "one\ntwo\n" {
		t.Errorf("%q, %v", text, err)
	}
	if diff := cmp.Diff([]string{"this is for the log"}, s.logged()); diff != "" {
		t.Errorf("the log: %s", diff)
	}
}

func TestWhatTheEndMeans(t *testing.T) {
	for _, test := range []struct {
		script, restart string
		prints          []string
		wrong           string // what Run returns
	}{
		{"echo one; echo two", "never", []string{"one", "two"}, ""},
		{"echo one; printf two", "on_failure", []string{"one", "two"}, ""},
		{"echo one", "always", []string{"one"}, "exit code 0"},
		{"echo one; printf half; exit 3", "on_failure", []string{"one"}, "the program has ended with exit status 3"},
		{"echo one; exit 3", "never", []string{"one"}, ""},
		{"echo one; kill -9 $$", "always", []string{"one"}, "the program has ended with signal: killed"},
	} {
		for _, start := range []time.Duration{0, time.Minute} { // counts as started before or after its end
			config := shell("source", test.script)
			config.Restart, config.StartTime = test.restart, setting.Duration(start)
			s := newScene(t, config)
			err := s.start().Wait()
			if got := fmt.Sprint(err); test.wrong == "" && err != nil || !strings.Contains(got, test.wrong) && test.wrong != "" {
				t.Errorf("%s, %s: Run returned %v, want %q", test.script, test.restart, err, test.wrong)
			}
			if diff := cmp.Diff(test.prints, flowtest.Texts(t, s.host.Out.Events())); diff != "" {
				t.Errorf("%s, %s: %s", test.script, test.restart, diff)
			}
		}
	}
}

// What fails at once has not been open: the waits between attempts grow.
func TestFailsAtOnce(t *testing.T) {
	config := shell("filter", "echo what is wrong >&2; exit 2")
	config.StartTime = setting.Duration(time.Minute)
	s := newScene(t, config)
	if err := s.start().Wait(); err == nil || err.Error() != "the program has ended with exit status 2" {
		t.Errorf("Run: %v", err)
	}
	if s.host.Opened() != 0 {
		t.Error("it was open")
	}
	if diff := cmp.Diff([]string{"what is wrong"}, s.logged()); diff != "" {
		t.Errorf("the log: %s", diff)
	}
}

// Senders wait while the program is started again.
func TestRunsAgain(t *testing.T) {
	s := newScene(t, shell("filter", "read line; echo $line; exit 1"))
	for n := range 3 {
		run := s.start()
		s.send(strconv.Itoa(n))
		if err := run.Wait(); err == nil {
			t.Error("Run returned nil after a failure")
		}
	}
	s.prints("0", "1", "2")
}

// What a program has not taken waits for the next one, however much that is: of each,
// only what was in its pipe is lost.
func TestTheNextGoesOn(t *testing.T) {
	s := newScene(t, shell("filter", `for i in 1 2 3; do read -r line || exit 0; echo "$line"; done; exit 1`))
	var many []string
	for n := range 50_000 {
		many = append(many, fmt.Sprintf("%05d", n))
	}
	sent := make(chan error, 1)
	go func() { sent <- s.host.Send(t.Context(), many...) }()
	ended := 0
	for taken := false; !taken; {
		run := s.start()
		select {
		case <-run.Done():
			ended++
		case err := <-sent:
			if err != nil {
				t.Errorf("Send: %v", err)
			}
			taken = true
			_ = run.Stop() // it may have ended
		}
	}
	got := flowtest.Texts(t, s.host.Out.Events())
	if !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) || ended < 4 || len(got) < 3*ended {
		t.Errorf("%d lives, and one that was told to end, printed %v", ended, got)
	}
	if n := len(s.host.Err.Events()); n > 0 {
		t.Errorf("%d events are at err", n)
	}
}

// However it is told to end, nothing of it is left: what all of it holds is a pipe.
func TestStubborn(t *testing.T) {
	for name, script := range map[string]string{
		"does not read":      "sleep 1000",
		"ignores SIGTERM":    "trap '' TERM; while :; do sleep 1000; done",
		"has children":       "sleep 1000 & sleep 1000 & wait",
		"leaves one running": "sleep 1000 & exec sleep 1000",
		"ends by itself":     "sleep 1000 & exit 0",
	} {
		for _, mode := range []string{"filter", "source"} {
			path := filepath.Join(t.TempDir(), "held")
			if err := syscall.Mkfifo(path, 0o600); err != nil {
				t.Fatal(err)
			}
			held, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = held.Close() }()
			config := running(mode, "sh", "-c", `exec 9>"$1"; echo ready; `+script, "sh", path)
			config.CloseTimeout = setting.Duration(10 * time.Millisecond)
			s := newScene(t, config)
			run := s.start()
			s.prints("ready")
			if err := run.Stop(); err != nil && name != "ends by itself" {
				t.Errorf("%s: Run: %v", name, err)
			}
			if err := held.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			if _, err := held.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
				t.Errorf("%s: something is left: %v", name, err)
			}
		}
	}
}

// A program that has left a daemon behind, which holds its output open.
func TestDaemon(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pid")
	s := newScene(t, running("source", "sh", "-c", `setsid sh -c 'echo $$ >"$0"; exec sleep 1000' "$1" & until [ -s "$1" ]; do :; done; echo done`, "sh", path))
	err := s.start().Wait()
	text, read := os.ReadFile(path)
	pid, parse := strconv.Atoi(strings.TrimSpace(string(text)))
	if read != nil || parse != nil {
		t.Skipf("this system makes no daemon so: %v, %v", read, parse)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Error(err)
	}
	if err == nil {
		t.Error("Run returned nil, and restart is always")
	}
	s.prints("done")
}

// One that prints on and on: what the program itself has printed is in a pipe, and that
// has an end.
func TestAnEndlessDaemon(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pid")
	s := newScene(t, running("source", "sh", "-c", `setsid sh -c 'echo $$ >"$0"; exec yes "$1"' "$1" "$2" & until [ -s "$1" ]; do :; done; exit 3`, "sh", path, strings.Repeat("on ", 300)))
	r := s.start()
	err := r.Wait()
	text, _ := os.ReadFile(path)
	pid, parse := strconv.Atoi(strings.TrimSpace(string(text)))
	if parse != nil {
		t.Skipf("this system makes no daemon so: %v", parse)
	}
	_ = syscall.Kill(pid, syscall.SIGKILL) // it has ended when its pipe was closed
	if err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("Run returned %v", err)
	}
}

func TestClosedInput(t *testing.T) {
	config := shell("filter", "exec <&-; echo closed; exec sleep 1000")
	config.CloseTimeout = setting.Duration(10 * time.Millisecond) // may it take to end
	s := newScene(t, config)
	run := s.start()
	s.prints("closed")
	s.send("for nobody") // err takes it
	problems := flowtest.Payloads(t, s.host.Err.Wait(t, 1))
	what, _ := problems[0].Object().Get("error")
	message, _ := what.Object().Get("message")
	if got, want := message.Text(), "write to the program: it has closed its input"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	s.host.Drop()
	_ = run.Stop() // it was killed
}

func TestEnvironment(t *testing.T) {
	t.Setenv("FLOWRUN_VAR_secret", "hunter2")
	config := shell("source", `echo "$A|$FLOWRUN_VAR_secret|${PATH:+path}"; pwd`)
	config.Restart = "never"
	config.Env = map[string]setting.Secret{"A": setting.SecretOf("b c")}
	config.Dir = setting.Path(t.TempDir())
	dir, err := filepath.EvalSymlinks(string(config.Dir))
	if err != nil {
		t.Fatal(err)
	}
	s := newScene(t, config)
	if err := s.start().Wait(); err != nil {
		t.Error(err)
	}
	s.prints("b c||path", dir)
	config.InheritEnv = true
	s = newScene(t, config)
	if err := s.start().Wait(); err != nil {
		t.Error(err)
	}
	s.prints("b c|hunter2|path", dir)
}

func TestLog(t *testing.T) {
	s := newScene(t, shell("source", `printf 'one\r\n\ntwo\n' >&2; head -c 100000 /dev/zero | tr '\0' x >&2; printf '\nlast' >&2`))
	if err := s.start().Wait(); err == nil {
		t.Error("Run returned nil, and restart is always")
	}
	got := s.logged()
	if len(got) != 4 || got[0] != "one" || got[1] != "two" || got[2] != strings.Repeat("x", 4<<10) || got[3] != "last" {
		t.Errorf("%.200q", got)
	}
}

func TestConfig(t *testing.T) {
	folder := t.TempDir()
	plain := filepath.Join(folder, "plain")
	if err := os.WriteFile(plain, []byte("#!/bin/sh\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		config exec.Config
		want   string
	}{
		{exec.Config{}, "command: there is no program"},
		{exec.Config{Command: []string{"no-such-program"}}, "command: run no-such-program: it is in no folder of PATH: install it, or write its path"},
		{exec.Config{Command: []string{"/no/such"}}, "command: run /no/such: no such file or directory"},
		{exec.Config{Command: []string{plain}}, "command: run " + plain + ": permission denied: make it executable"},
		{exec.Config{Command: []string{"./plain"}}, `command: ./plain is a relative path: write dir = "."`},
		{exec.Config{Command: []string{"./plain"}, Dir: setting.Path(folder)}, "command: run " + plain + ": permission denied: make it executable"},
		{exec.Config{Command: []string{"sh"}, Dir: "/no/such"}, "dir: /no/such is no folder"},
		{exec.Config{Command: []string{"sh"}, Env: map[string]setting.Secret{"A=B": {}}}, `env: "A=B" is no name of a variable`},
	} {
		_, err := test.config.New()
		fe := &setting.Error{}
		if !errors.As(err, &fe) || !strings.HasPrefix(fe.Field+": "+fe.Err.Error(), test.want) {
			t.Errorf("%+v: got %v, want %q", test.config.Command, err, test.want)
		}
	}
}
