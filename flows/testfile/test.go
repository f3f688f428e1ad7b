package testfile

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/flowrun/flowrun/flows/source"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

const (
	defaultTimeout   = setting.Duration(30 * time.Second)
	defaultReady     = setting.Duration(10 * time.Second)
	defaultMaxOutput = 16 << 20
	defaultMaxFolder = 64 << 20
	defaultMaxFiles  = 10_000
	defaultMaxEvents = 1_000_000
)

// Test is a case that runs processes and peers: a `test` block.
type Test struct {
	Tags         []string          `hcl:"tags" doc:"words to choose cases by, with --include and --exclude"`
	Timeout      setting.Duration  `hcl:"timeout" min:"1ms" doc:"how long before, run and the peers may take together"`
	Env          map[string]string `hcl:"env" doc:"environment variables of all processes"`
	MaxOutput    setting.Size      `hcl:"max_output" min:"1KiB" max:"1GiB" doc:"how much a process may print on each of its outputs"`
	MaxFolder    setting.Size      `hcl:"max_folder" min:"1KiB" max:"64GiB" doc:"how large the folder may be that is copied"`
	MaxFiles     int               `hcl:"max_files" min:"1" max:"10000000" doc:"how many files and folders may be in it"`
	Certificates []*Certificate    `hcl:"certificate" doc:"a throw-away certificate"`
	Before       []*Before         `hcl:"before" doc:"started in this order, each when the one before it is ready"`
	Run          *Run              `hcl:"run" doc:"the process that the case waits for"`
	Peers        []*Peer           `hcl:"peer" doc:"a scripted peer"`
	Interrupts   []*Interrupt      `hcl:"interrupt" doc:"a signal to a process, when peers have come so far"`
	After        []*After          `hcl:"after" doc:"run at the end, whatever has happened"`
	Locals       []struct{}        `hcl:"locals" doc:"named values"`
	Expect       *Expect           `hcl:"expect" doc:"what must be true at the end"`

	At flow.Place
}

// Certificate is a TLS certificate that is made for the case: `certificate`.
// It is in NAME.cert in the folder of the case, its private key in NAME.key, and
// it is its own authority: who trusts NAME.cert trusts it.
type Certificate struct {
	Name  string   `hcl:"name,label"`
	Hosts []string `hcl:"hosts" doc:"host names and IP addresses that it is for; localhost, 127.0.0.1 and ::1 without it"`

	At flow.Place
}

// Program is what a test starts: a flow, by the flowrun binary, or a command.
type Program struct {
	Flow    string                `hcl:"flow" doc:"a flow file or folder, run by flowrun server run"`
	Command []string              `hcl:"command" doc:"a program with its arguments; flowrun is the one under test"`
	Args    []string              `hcl:"args" doc:"further arguments for flowrun server run"`
	Vars    map[string]flow.Value `hcl:"vars" doc:"variables of the flow"`
	Env     map[string]string     `hcl:"env" doc:"environment variables, beside those of the case"`
	Stdin   string                `hcl:"stdin" doc:"the text on its standard input, which ends there; file(\"name\") is that of a file"`

	At flow.Place
}

// Before is a program that is there before others start.
type Before struct {
	Name string `hcl:"name,label"`
	Program
	Wait  bool   `hcl:"wait" doc:"go on when it has ended, with exit code 0"`
	Ready *Ready `hcl:"ready" doc:"go on when all of this is true"`
}

// Run is the program that a case waits for.
type Run struct {
	Program
	Ready *Ready `hcl:"ready" doc:"start the peers when all of this is true"`
}

// After is a program that cleans up.
type After struct {
	Name string `hcl:"name,label"`
	Program
}

// Interrupt is a signal to a process while peers talk, or a change of its files:
// `interrupt`. Once it is sent, peers can await its label.
type Interrupt struct {
	Label   string            `hcl:"name,label"`
	To      string            `hcl:"to" doc:"the process of before that gets it; run without it"`
	Replace map[string]string `hcl:"replace" doc:"files of the test that are put into the place of others before: { \"flow.hcl\" = \"next.hcl\" }"`
	Signal  string            `hcl:"signal" oneof:"SIGHUP|SIGINT|SIGKILL|SIGTERM|SIGUSR1|SIGUSR2|SIGSTOP|SIGCONT|none" doc:"SIGTERM without it"`
	Await   string            `hcl:"await" required:"true" doc:"the name that peers signal"`
	Count   int               `hcl:"count" min:"1" doc:"how often they must have, 1 without it"`
	Ready   *Ready            `hcl:"ready" doc:"then wait until all of this is true of the process"`

	At flow.Place
}

// Ready says when a process can be used. All that is given must be true.
type Ready struct {
	Port    uint16           `hcl:"port" min:"1" doc:"something listens on this TCP port of 127.0.0.1 or ::1"`
	HTTP    string           `hcl:"http" doc:"a GET of this URL is answered with a status below 400"`
	File    string           `hcl:"file" doc:"the file is there"`
	Log     Pattern          `hcl:"log" doc:"a regular expression matches a line that the process has printed"`
	Timeout setting.Duration `hcl:"timeout" min:"1ms" doc:"how long that may take, 10s without it"`

	At flow.Place
}

// Pattern is a regular expression that is looked for in lines: ^ and $ are the
// borders of a line.
type Pattern struct {
	*regexp.Regexp
	Text string // as it was written
}

// UnmarshalText compiles the expression.
func (p *Pattern) UnmarshalText(text []byte) error {
	re, err := regexp.Compile("(?m)" + string(text))
	if err != nil {
		if _, bare := regexp.Compile(string(text)); bare != nil {
			return bare // speaks of the pattern as it was written
		}
		return err
	}
	p.Regexp, p.Text = re, string(text)
	return nil
}

// Test reads the case as a test. The result is whole when the report has no
// errors.
func (c *Case) Test(b Binding) (*Test, *source.Report) {
	r := c.read(b)
	t := &Test{
		Timeout: r.tables.Patient(defaultTimeout), MaxOutput: defaultMaxOutput, MaxFolder: defaultMaxFolder, MaxFiles: defaultMaxFiles,
		At: placeOf(r.region.At),
	}
	r.Decode(r.region, nil, nil, t)
	r.certificates(t.Certificates)
	waited := false // a program has run that may have made files
	for _, p := range t.Before {
		at := path{"before", p.Name}
		r.program(&p.Program, at, c, waited)
		if r.ready(p.Ready, at); p.Wait && p.Ready != nil {
			r.errorAt(at, "before %q waits for the end of a process and for its being ready: only one of wait and ready can be", p.Name)
		}
		waited = waited || p.Wait
	}
	if t.Run != nil {
		r.program(&t.Run.Program, path{"run"}, c, waited)
		r.ready(t.Run.Ready, path{"run"})
	}
	for _, p := range t.After {
		r.program(&p.Program, path{"after", p.Name}, c, true)
	}
	r.interrupts(t)
	t.Peers = nil
	for _, block := range r.peers {
		if p := r.peer(block, c.File.tables); p != nil {
			t.Peers = append(t.Peers, p)
		}
	}
	r.signals()
	r.whole(t, c)
	return t, r.Report
}

// whole checks what concerns several blocks.
func (r *reading) whole(t *Test, c *Case) {
	if t.Run == nil && len(r.peers) == 0 && len(t.Before) == 0 {
		if !r.HasErrors() {
			r.errorAt(nil, "the test starts nothing").Hint(`write run { flow = "…" }, or a peer`)
		}
		return
	}
	switch {
	case t.Expect != nil:
		r.expect(t, c)
	case len(r.peers) == 0 && !r.HasErrors():
		r.errorAt(nil, "the test expects nothing, so it could not fail").Hint(`write expect { exit_code = 0 }, or what files and outputs must hold`)
	}
}

// program checks a program. made says that its flow may not be there yet.
func (r *reading) program(p *Program, at path, c *Case, made bool) {
	p.At = r.place(at)
	given := func(name string) bool { return r.given(at.then(name)) }
	switch {
	case given("flow") && given("command"):
		r.errorAt(at.then("command"), "a program is a flow or a command, not both")
	case !given("flow") && !given("command"):
		if !r.Failed {
			r.errorAt(at, "nothing says what to run").Hint(`write flow = "flow.hcl" or command = ["program", "argument"]`)
		}
	case given("command") && (len(p.Command) == 0 || p.Command[0] == "") && !r.Failed:
		r.errorAt(at.then("command"), "the command is empty").Hint(`write command = ["program", "argument"]`)
	}
	if given("command") {
		for _, name := range []string{"vars", "args"} {
			if given(name) {
				r.errorAt(at.then(name), "%s is for a flow; a command has its arguments in its list", name)
			}
		}
	}
	if p.Flow == "" || made {
		return
	}
	if _, err := os.Stat(inFolder(c.File.Dir, p.Flow)); errors.Is(err, os.ErrNotExist) {
		r.errorAt(at.then("flow"), "there is no flow %s in the folder of the test", p.Flow).Hint("%s", source.DidYouMean(p.Flow, filesIn(c.File.Dir)))
	}
}

// localhost are the hosts of a certificate that names none.
var localhost = []string{"localhost", "127.0.0.1", "::1"}

func (r *reading) certificates(all []*Certificate) {
	for _, x := range all {
		at := path{"certificate", x.Name}
		x.At = r.place(at)
		if x.Name != filepath.Base(x.Name) || x.Name == "." || x.Name == ".." {
			r.errorAt(at, "%q is no name for files: write a word like \"localhost\"", x.Name)
		}
		switch {
		case !r.given(at.then("hosts")):
			x.Hosts = localhost
		case len(x.Hosts) == 0 && !r.Failed:
			r.errorAt(at.then("hosts"), "the certificate is for nobody").Hint("leave hosts out for %s", strings.Join(localhost, ", "))
		}
	}
}

func (r *reading) interrupts(t *Test) {
	var names []string
	for _, b := range t.Before {
		names = append(names, b.Name)
	}
	for _, s := range t.Interrupts {
		at := path{"interrupt", s.Label}
		s.At = r.place(at)
		s.Count = max(s.Count, 1)
		s.Signal = cmp.Or(s.Signal, "SIGTERM")
		r.ready(s.Ready, at)
		r.gives = append(r.gives, s.Label)
		if at, ok := r.find(at.then("await")); ok && s.Await != "" {
			r.awaits = append(r.awaits, await{s.Await, at})
		}
		switch {
		case s.To == "" && t.Run == nil && !r.Failed:
			r.errorAt(at, "interrupt %q goes to nobody: there is no run", s.Label).Hint("%s", `write to = "name" of a process of before`)
		case s.To != "" && !slices.Contains(names, s.To):
			r.errorAt(at.then("to"), "there is no before %q", s.To).Hint("%s", source.DidYouMean(s.To, names))
		case len(r.peers) == 0:
			r.errorAt(at, "interrupt %q waits for a peer, and the test has none", s.Label)
		}
	}
}

// ready checks when a process is ready.
func (r *reading) ready(ready *Ready, at path) {
	if ready == nil {
		return
	}
	at = at.then("ready")
	ready.At = r.place(at)
	if ready.Timeout == 0 {
		ready.Timeout = r.tables.Patient(defaultReady)
	}
	if ready.Port == 0 && ready.HTTP == "" && ready.File == "" && ready.Log.Regexp == nil && !r.Failed {
		r.errorAt(at, "ready waits for nothing").Hint("write port, http, file or log into it")
	}
}

func inFolder(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, filepath.FromSlash(path))
}

// filesIn names the files of a folder that could have been meant.
func filesIn(dir string) (names []string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if filepath.Ext(e.Name()) != "" || e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}
