// Package file reads and writes files.
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

	"github.com/flowrun/flowrun/runtime/flow"
)

// Specs is this package's part of the table of connectors.
var Specs = []flow.Spec[flow.ConnectorConfig]{{
	Name:    "file",
	Summary: "reads a file to its end, or writes one",
	Doc: `The mode decides what is done with the file:

- ` + "`read`" + ` reads it from the beginning to the end, once; then the connector has
  ended. The file must exist. A named pipe is read until its last writer has
  closed it.
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

Reading is not held up by events that fail behind it: they are logged, counted,
and the file is read on. Reading goes as fast as the targets take the events.

Only one connector may write a file. The folder of the file must exist.`,
	Example: `connector "file" "in" {
  path          = "in.json"
  mode          = "read"
  preprocessors = ["separate"]
  codec         = "json"
}

connector "file" "out" {
  path           = "out.json"
  mode           = "truncate"
  codec          = "json"
  postprocessors = ["separate"]
}

connect "copy" {
  from = connector.in
  to   = connector.out
}
`,
	Config: func() flow.ConnectorConfig { return &Config{} },
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
	Path flow.Path `hcl:"path" required:"true" doc:"the file"`
	Mode string    `hcl:"mode" required:"true" oneof:"read|write|append|truncate" doc:"what is done with it; write and truncate start with an empty file"`
	Sync bool      `hcl:"sync" doc:"wait for the disk after each write (fsync)"`
}

// Shape implements flow.ConnectorConfig.
func (c *Config) Shape() flow.Shape {
	if c.Mode == read {
		return flow.Shape{Role: flow.Source, Stream: true, Out: true}
	}
	path := string(c.Path)
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	return flow.Shape{
		Role:   flow.Target,
		Stream: true,
		In:     true,
		Claims: []flow.Claim{{Resource: "file " + path, Field: "path"}},
	}
}

// New implements flow.ConnectorConfig.
func (c *Config) New() (flow.Connector, error) {
	switch {
	case c.Path == "":
		return nil, &flow.FieldError{Field: "path", Err: errors.New("the path is empty: name a file")}
	case c.Mode == read && c.Sync:
		return nil, &flow.FieldError{Field: "sync", Err: errors.New("a file that is read needs no sync: leave it out, or choose another mode")}
	case c.Mode == read:
		return &reader{path: string(c.Path)}, nil
	}
	return &writer{path: string(c.Path), fresh: c.Mode != appendTo, sync: c.Sync}, nil
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
		return nil, nil, fmt.Errorf("open %s to %s: %w", path, why, bare(err))
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = errors.New("it is a folder: name a file in it")
	}
	if err != nil {
		_ = f.Close()
		return nil, nil, fmt.Errorf("open %s to %s: %w", path, why, bare(err))
	}
	return f, info, nil
}

// bare removes operation and path, which our own message names.
func bare(err error) error {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		err = p.Err
	}
	switch {
	case errors.Is(err, syscall.EISDIR):
		return errors.New("it is a folder: name a file in it")
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: the process may not do that, change the file's owner or mode", err)
	}
	return err
}
