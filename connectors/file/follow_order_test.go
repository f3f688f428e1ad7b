package file_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/connectors/file"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
)

// A file that was read to its end before it grew, and then was rotated while the flow took
// nothing: its rest comes before what is in the next one.
func TestFollowKeepsTheOrderOfFiles(t *testing.T) {
	l := newLog(t, filepath.Join(t.TempDir(), "log"))
	s := newScene(t, following(l.path, func(c *file.Config) { c.PollInterval = 1 }), lines(t))
	held, release := make(chan struct{}), make(chan struct{})
	s.host.Out.Refuse = func(e *flow.Event) error {
		if v, err := e.Payload(); err == nil && v.Text() == "hold" {
			close(held)
			<-release
		}
		return nil
	}
	running := s.start()
	const before, many = 10, 50_000
	for n := range before {
		l.write("one\n")
		s.host.Out.Wait(t, n+1)
	}
	l.write("hold\n")
	<-held
	l.write(strings.Repeat("old\n", many))
	l.rename(".1")
	_ = l.file.Close()
	l.create()
	l.write("new\n")
	close(release)
	got := flowtest.Texts(t, s.host.Out.Wait(t, before+1+many+1))
	if at := slices.Index(got, "new"); at != before+1+many {
		t.Errorf("what is in the new file came before %d lines of the old one", before+1+many-at)
	}
	if err := running.Stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
}
