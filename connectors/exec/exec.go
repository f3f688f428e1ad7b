// Package exec runs a program beside the process and speaks with it by its standard
// input and output.
//
// One Run is one life of the program: start (process.go), serve it as a connection, tell
// it to end. Whether it is started again is for the engine, as `restart` and `reconnect`
// say. The program is the leader of a process group of its own, which is killed when
// the program has ended, so that nothing of it is left behind.
package exec

import (
	"errors"
	"fmt"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

// Specs is this package's part of the table of connectors.
var Specs = []flow.Spec[flow.ConnectorConfig]{{
	Name:    "exec",
	Summary: "a program that reads and writes lines",
	Doc: `The program is started with the flow, once, for all that the flow sends it: events go to its standard input, and what
it prints leaves by ` + "`out`" + `. Both are streams of bytes; without a processor that frames, lines. There is no shell: ` + "`command`" + ` is the
program and its arguments, as they are; ` + "`[\"sh\", \"-c\", \"…\"]`" + ` is one. What it prints to standard error goes to the log, line by line.

With ` + "`mode = \"source\"`" + ` it has no input; with ` + "`mode = \"sink\"`" + ` there is no ` + "`out`" + `, and what it prints goes to the log, too.

What the program prints comes from the program: it has no way back to the connection whose event was sent to it. Let
the flow put ` + "`peer.id`" + ` into what it sends, and write ` + "`meta.<type>.peer`" + ` when it comes back.

It sees of the environment ` + "`PATH`, `HOME`, `USER`, `LANG`, `LC_ALL`, `TZ` and `TMPDIR`" + `, and what ` + "`env`" + ` adds; everything with ` + "`inherit_env`" + `.
Secrets belong there, and not into ` + "`command`" + `, which every user of the machine can see.

When it ends it is started again, as ` + "`restart` and `reconnect`" + ` say; the log tells its exit code. One that ends within ` + "`start_time`" + `
with an error, without having printed anything, counts as not started, so that the waits grow. Events wait meanwhile.

Delivered means: written to the program's standard input. What it has not worked off when it ends is lost, and so is
the rest of a line when it ends with an error: the pipe in between holds some 64 KiB, which nobody can take back. What was not
written then waits for the next one, and so does what comes later; an event of which it had been given a part is written once more, as
a whole. Where there will be no next one, they go to ` + "`err`" + `, and so do events for a program that has closed its input
and has not ended within ` + "`close_timeout`" + `. A program that does not read holds back who sends to it, as one that is not there does.

In a drain, its input is closed, and what it still prints is read until it ends. If it does not within ` + "`close_timeout`" + `, it is sent
SIGTERM, and after the same time SIGKILL; a source, which has no input, begins with SIGTERM. Signals go to all processes that it has started. On
Linux, it is killed when flowrun is.`,
	Example: `connector "exec" "upper" {
  command = ["tr", "a-z", "A-Z"]
  codec   = "string"
  restart = "on_failure"
}

connector "stdio" "console" {
  codec = "string"
}

connect "ask" {
  from = connector.console
  to   = connector.upper
}

connect "answer" {
  from = connector.upper
  to   = connector.console
}
`,
	Config: func() flow.ConnectorConfig { return defaults() },
}}

// The values of Config.Mode.
const (
	filter = "filter"
	source = "source"
	sink   = "sink"
)

// The values of Config.Restart.
const (
	always    = "always"
	onFailure = "on_failure"
	never     = "never"
)

// Config is the configuration of an exec connector.
type Config struct {
	Command      []string                  `hcl:"command" required:"true" doc:"the program, by its path or by a name that is looked for in PATH, and its arguments. A relative path begins in dir"`
	Mode         string                    `hcl:"mode" oneof:"filter|source|sink" doc:"filter: it reads and prints events; source: it prints; sink: it reads"`
	Dir          setting.Path              `hcl:"dir" doc:"the folder that it runs in; \".\" is that of the flow. Without it, the one that flowrun runs in"`
	Env          map[string]setting.Secret `hcl:"env" doc:"variables of its environment"`
	InheritEnv   bool                      `hcl:"inherit_env" doc:"it sees all of flowrun's environment, with the secrets that are in there"`
	Restart      string                    `hcl:"restart" oneof:"always|on_failure|never" doc:"when to start it again; on_failure: when its exit code is not 0, or a signal has ended it. Otherwise the connector has ended with it"`
	StartTime    setting.Duration          `hcl:"start_time" min:"0s" doc:"how long it must live to count as started"`
	CloseTimeout setting.Duration          `hcl:"close_timeout" min:"1ms" doc:"how long it may take to end when its input is closed, by itself, too, and once more after SIGTERM"`
}

func defaults() *Config {
	return &Config{
		Mode:         filter,
		Restart:      always,
		StartTime:    setting.Duration(100 * time.Millisecond),
		CloseTimeout: setting.Duration(5 * time.Second),
	}
}

// Shape implements flow.ConnectorConfig.
func (c *Config) Shape() flow.Shape {
	s := flow.Shape{Role: flow.Client, Stream: true, In: c.Mode != source, Out: c.Mode != sink}
	switch c.Mode {
	case source:
		s.Role = flow.Source
	case sink:
		s.Role = flow.Target
	}
	return s
}

// New implements flow.ConnectorConfig.
func (c *Config) New() (flow.Connector, error) {
	path, err := c.find()
	if err != nil {
		return nil, err
	}
	for name := range c.Env {
		if name == "" || strings.ContainsAny(name, "=\x00") {
			return nil, &setting.Error{Field: "env", Err: fmt.Errorf("%q is no name of a variable", name)}
		}
	}
	return &program{cfg: c, path: path}, nil
}

// find returns the program's path, and makes sure that it can be run.
func (c *Config) find() (string, error) {
	if len(c.Command) == 0 || c.Command[0] == "" {
		return "", &setting.Error{Field: "command", Err: errors.New("there is no program: name one, like [\"sort\", \"-u\"]")}
	}
	if c.Dir != "" {
		if info, err := os.Stat(string(c.Dir)); err != nil || !info.IsDir() {
			return "", &setting.Error{Field: "dir", Err: fmt.Errorf("%s is no folder", c.Dir)}
		}
	}
	name := c.Command[0]
	if strings.Contains(name, "/") && !filepath.IsAbs(name) {
		if c.Dir == "" {
			return "", &setting.Error{Field: "command", Err: fmt.Errorf("%s is a relative path: write dir = \".\" if it begins in the folder of the flow", name)}
		}
		name = filepath.Join(string(c.Dir), name)
	}
	path, err := osexec.LookPath(name)
	if err != nil {
		if e := (*osexec.Error)(nil); errors.As(err, &e) {
			err = e.Err
		}
		if errors.Is(err, osexec.ErrNotFound) {
			err = fmt.Errorf("it is in no folder of PATH: install it, or write its path")
		}
		return "", &setting.Error{Field: "command", Err: fmt.Errorf("run %s: %w", name, cause(err))}
	}
	return filepath.Abs(path)
}

// inherited are the variables that a program sees anyway.
var inherited = []string{"PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR"}

// environment is what the program is given, as os/exec wants it: the last of a name
// counts.
func (c *Config) environment() []string {
	all := []string{}
	if c.InheritEnv {
		all = os.Environ()
	} else {
		for _, name := range inherited {
			if value, there := os.LookupEnv(name); there {
				all = append(all, name+"="+value)
			}
		}
	}
	for name, value := range c.Env {
		all = append(all, name+"="+value.Reveal())
	}
	return all
}

// cause removes operation and path, which our own message names.
func cause(err error) error {
	if p := (*os.PathError)(nil); errors.As(err, &p) {
		err = p.Err
	}
	if errors.Is(err, os.ErrPermission) {
		return errors.New("permission denied: make it executable")
	}
	return err
}
