// Package file reads, follows and writes files.
//
// One configuration is either a source or a target, as `mode` says. A source
// reads to the end and is done; a target takes events until the drain.
//
// Nothing happens to a file before the whole process can start: Prepare opens
// it, which shows whether that is possible and creates it, and only Run
// empties it. A connector that runs again after an error goes on where it
// stopped: a reader at the byte that comes next, a writer at the end, so that
// `truncate` never removes what the same process has written.
//
// A follower (follower) reads files on in one goroutine, a piece of each in turn. A
// file (tail) is known by its identity and not by its path; a place says how far the
// flow has taken it, and all places are what a position file holds. What is lost
// and what comes again at an abrupt end follows from the order: read, pass on,
// note the place, store it.
//
// A writer (writer) knows when a file has to make room for another (renew.go); what
// becomes of that one then (archive) follows from which files are there, so that
// a crash leaves nothing half done for ever.
//
// A write that failed half way (a full disk) is taken back where the file
// allows it, so that the file holds whole messages only and the events that
// failed can be sent again.
package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/flowrun/flowrun/connectors/file/internal/disk"
	"github.com/flowrun/flowrun/connectors/file/internal/packed"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

// Specs is this package's part of the table of connectors.
var Specs = []flow.Spec[flow.ConnectorConfig]{{
	Name:    "file",
	Summary: "reads files to their end or follows them, or writes one",
	Doc: `The mode decides what is done with the file:

- ` + "`read`" + ` reads it from the beginning to the end, once; then the connector has
  ended. The file must exist. A named pipe is read until its last writer has
  closed it. With ` + "`follow = true`" + ` it is read on, see below.
- ` + "`write`" + ` and ` + "`truncate`" + ` are two names for the same: the file is created, or
  emptied when the flow starts, and written from its beginning.
- ` + "`append`" + ` creates the file, or keeps what is there and writes at its end.

A file is a stream of bytes. Without a processor that frames, it is split into
lines inwards, and a newline is written after each message outwards.

Delivered means: written, which is to say handed to the operating system. With
` + "`sync = true`" + ` it means on the disk (fsync), at the price of one disk access per
write; the events of one batch share a write. What could not be written
whole (a full disk) is removed again, the events go to ` + "`err`" + `, and the next ones
are tried.

When somebody renames or removes a file that is written, as logrotate does, a new one is
begun within a tenth of a second; the old one gets what comes until then.

Reading is not held up by events that fail behind it: they are logged, counted,
and the file is read on. Reading goes as fast as the targets take the events.

Only one connector may write a file. The folder of the file must exist.

**Follow.** With ` + "`follow = true`" + ` a file is read on as it is written, as ` + "`tail -F`" + ` does it. It need not
be there yet. What stands behind the last newline waits for its own.

When the file is renamed or removed and another one takes its place, the old one is read
to its end first, and on for as long as something still comes, and ` + "`rotate_wait`" + ` longer; then
what stands behind its last newline is a message, too. Several that came and were renamed while
the flow took nothing are found by names like ` + "`x.log.1`, `x.log-20261128` or `x.log.old`" + ` in the same folder.
A file that is emptied (copytruncate) is read from its beginning; what had not been read
by then is lost. A reload that changes the connector begins as the start does: where it was with a
position, or where ` + "`start`" + ` says. Compressed files are not followed: let a pattern not match them.

The path may be a pattern. Each file has a connection of its own then, and ` + "`peer.path`" + ` names it;
pieces of all are read in turns. A file that no longer fits the pattern is let go.

` + "`position`" + ` names a file that says how far the flow has taken the events: what is delivered, or
taken by a holding point such as a queue. A restart goes on there, also after a crash, and
finds files that were renamed in between: nothing is lost, and what was read since
the last store (every ` + "`position_interval`" + `) comes again. The events of one read that the flow
does not take come again as well, after a wait as ` + "`reconnect`" + ` says: what nobody can take must have an
` + "`err`" + ` port that is connected. Messages that cannot be decoded are not waited for. Without ` + "`sync = true`" + ` the
last positions may be lost with the power of the machine. Only one process at a time uses a position
file; others wait.

**Rotate.** With a ` + "`rotate`" + ` block a file that is full, or whose time is over, is renamed, and a new one begins. Behind its
name then stands when that was, ` + "`out.log.20261128T101500.000000Z`" + ` (` + "`out.20261128T101500.000000Z.gz`" + ` for a
compressed ` + "`out.gz`" + `): such names sort. Old ones are deleted and compressed beside the writing; what a crash interrupts
is done after the next start. ` + "`write`" + ` and ` + "`truncate`" + ` empty the file at the start; they do not rotate it.

**Compression.** What is read is unpacked piece by piece, in a memory that does not depend on what is in it. A file that
is damaged, or ends too early, is read as far as it goes, without the beginning of a message before that; the log tells, and so does
the exit code of a process that ends with its inputs, which is 1. What is written is compressed in blocks of up to 256 KiB
that stand for themselves, so that ` + "`append`" + ` goes on in the same file, and half a block that a crash has left is removed first; of a
large gzip file, all is read for that. Delivered then means: taken to be compressed. An event waits for others for up to
` + "`flush_interval`" + `, and a crash loses what waits; with ` + "`flush_interval = \"0s\"`" + `, or ` + "`sync = true`" + `, nothing waits. On a full disk, what waits
stays, and new events fail when there is no room for them.`,
	Example: `connector "file" "in" {
  path          = "in.json"
  mode          = "read"
  preprocessors = ["separate"]
  codec         = "json"
}

connector "file" "out" {
  path           = "out.json"
  mode           = "append"
  codec          = "json"
  postprocessors = ["separate"]
  rotate {
    max_size = "100MiB"
    keep     = 10
    compress = "zstd"
  }
}

connector "file" "log" {
  path     = "service.log"
  mode     = "read"
  follow   = true
  position = "service.log.position"
  codec    = "string"
}

connect "copy" {
  from = [connector.in, connector.log]
  to   = connector.out
}
`,
	Config: func() flow.ConnectorConfig { return defaults() },
}}

// The values of Config.Mode.
const (
	read     = "read"
	write    = "write"
	truncate = "truncate"
	appendTo = "append"
)

// Config is the configuration of a file connector.
type Config struct {
	Path setting.Path `hcl:"path" required:"true" doc:"the file"`
	Mode string       `hcl:"mode" required:"true" oneof:"read|write|append|truncate" doc:"what is done with it; write and truncate start with an empty file"`
	Sync bool         `hcl:"sync" doc:"wait for the disk after each write (fsync), of a position when it is stored"`

	Compression   string           `hcl:"compression" oneof:"none|auto|gzip|zstd|bzip2" doc:"how the content is compressed; auto finds out from the first bytes of what is read, and from the name (.gz, .zst) of what is written. bzip2 is only read"`
	FlushInterval setting.Duration `hcl:"flush_interval" min:"0s" doc:"how long events may wait for others to be compressed with them; a crash loses those. 0s compresses each write by itself"`
	Rotate        *Rotate          `hcl:"rotate" doc:"begins a new file from time to time; of one that is written"`

	Follow           bool             `hcl:"follow" doc:"read on as the file is written, beyond its end, also when it is renamed, replaced or emptied, and when it comes later; with mode \"read\". The path may be a pattern then, with * ? and [a-z]"`
	Start            string           `hcl:"start" oneof:"beginning|end" doc:"where to begin in files that are there when they are followed for the first time"`
	Position         setting.Path     `hcl:"position" doc:"a file that says how far the flow has taken what is followed, so that a restart goes on there. With it, what the flow does not take is read again"`
	PositionInterval setting.Duration `hcl:"position_interval" min:"1ms" doc:"time from one store of the position to the next: what was read meanwhile comes again after an abrupt end"`
	PollInterval     setting.Duration `hcl:"poll_interval" min:"10ms" doc:"how often to look where the system does not tell of changes (network file systems, links), and for files that the pattern means"`
	RotateWait       setting.Duration `hcl:"rotate_wait" min:"0s" doc:"how long a file that was renamed or removed is read on after its last byte"`
	MaxFiles         int              `hcl:"max_files" min:"1" max:"10000" doc:"files that are followed at a time; others wait"`
}

// The values of Config.Start.
const (
	startBeginning = "beginning"
	startEnd       = "end"
)

func defaults() *Config {
	return &Config{
		Compression:      packed.None,
		FlushInterval:    setting.Duration(time.Second),
		Start:            startBeginning,
		PositionInterval: setting.Duration(100 * time.Millisecond),
		PollInterval:     setting.Duration(time.Second),
		RotateWait:       setting.Duration(5 * time.Second),
		MaxFiles:         64,
	}
}

// compression is that of a file that is written.
func (c *Config) compression() string {
	switch c.Compression {
	case packed.Auto:
		return packed.ByName(string(c.Path))
	case "":
		return packed.None
	}
	return c.Compression
}

// path is what the flow names, from the root.
func (c *Config) path() string {
	if abs, err := filepath.Abs(string(c.Path)); err == nil {
		return abs
	}
	return string(c.Path)
}

// Shape implements flow.ConnectorConfig.
func (c *Config) Shape() flow.Shape {
	if c.Mode == read {
		shape := flow.Shape{Role: flow.Source, Stream: true, Out: true, Many: c.Follow && isPattern(string(c.Path))}
		if c.Position != "" {
			shape.Claims = []flow.Claim{claim(string(c.Position), "position")}
		}
		return shape
	}
	return flow.Shape{
		Role:   flow.Target,
		Stream: true,
		In:     true,
		Claims: []flow.Claim{claim(string(c.Path), "path")},
	}
}

func claim(path, field string) flow.Claim {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	return flow.Claim{Resource: "file " + path, Field: field}
}

// New implements flow.ConnectorConfig.
func (c *Config) New() (flow.Connector, error) {
	switch {
	case c.Path == "":
		return nil, &setting.Error{Field: "path", Err: errors.New("the path is empty: name a file")}
	case c.Follow && c.Mode != read:
		return nil, &setting.Error{Field: "follow", Err: errors.New("only a file that is read can be followed: leave it out, or write mode = \"read\"")}
	case c.Position != "" && !c.Follow:
		return nil, &setting.Error{Field: "position", Err: errors.New("a file that is not followed is read from its beginning each time: write follow = true, or leave position out")}
	case c.Mode == read && c.Sync && c.Position == "":
		return nil, &setting.Error{Field: "sync", Err: errors.New("a file that is read needs no sync: leave it out, or choose another mode")}
	case c.Mode == read && c.Rotate != nil:
		return nil, &setting.Error{Field: "rotate", Err: errors.New("only a file that is written is rotated: leave it out, or choose another mode")}
	case c.Follow && c.compression() != packed.None:
		return nil, &setting.Error{Field: "compression", Err: errors.New("a compressed file cannot be followed: leave it out, or read the file once, without follow")}
	case c.Follow:
		return newFollower(c)
	case c.Mode == read:
		return &reader{path: string(c.Path), compression: c.Compression}, nil
	case c.compression() == packed.Bzip2:
		return nil, &setting.Error{Field: "compression", Err: errors.New("bzip2 is only read: write gzip or zstd")}
	}
	if err := c.Rotate.check(c.compression()); err != nil {
		return nil, err
	}
	return newWriter(c), nil
}

// open opens a file without waiting for anybody, and refuses folders.
func open(path, why string, flags int) (*os.File, fs.FileInfo, error) {
	// Opened like this, a named pipe does not wait for its other end, and
	// what can block later can be interrupted.
	f, err := os.OpenFile(path, flags|syscall.O_NONBLOCK, 0o644)
	if errors.Is(err, syscall.ENXIO) {
		err = errors.New("nobody reads this named pipe: start its reader first")
	}
	if err != nil {
		return nil, nil, fmt.Errorf("open %s to %s: %w", path, why, disk.Bare(err))
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = errors.New("it is a folder: name a file in it")
	}
	if err != nil {
		_ = f.Close()
		return nil, nil, fmt.Errorf("open %s to %s: %w", path, why, disk.Bare(err))
	}
	return f, info, nil
}
