package file_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flowrun/flowrun/connectors/file"
	"github.com/flowrun/flowrun/preprocessors"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/runtime/setting"
	"github.com/google/go-cmp/cmp"
)

// following is a configuration that follows a path, and hurries.
func following(path string, changes ...func(*file.Config)) *file.Config {
	c := file.Specs[0].Config().(*file.Config)
	c.Path, c.Mode, c.Follow = setting.Path(path), "read", true
	c.PollInterval = setting.Duration(10 * time.Millisecond)
	c.PositionInterval = setting.Duration(time.Millisecond)
	c.RotateWait = setting.Duration(20 * time.Millisecond)
	for _, change := range changes {
		change(c)
	}
	return c
}

func withPosition(c *file.Config) { c.Position = c.Path + ".position" }

// lines splits what comes into lines.
func lines(t *testing.T) flowtest.Options {
	t.Helper()
	i := slices.IndexFunc(preprocessors.All, func(s flow.Spec[flow.ProcessorConfig]) bool { return s.Name == "separate" })
	in, _, err := preprocessors.All[i].Config().New()
	if err != nil {
		t.Fatal(err)
	}
	return flowtest.Options{Pre: []flow.ProcessorUse{{Type: "separate", New: in, Text: true}}}
}

// log is a file that is written to.
type log struct {
	t    *testing.T
	path string
	file *os.File
}

func newLog(t *testing.T, path string) *log {
	l := &log{t: t, path: path}
	l.create()
	t.Cleanup(func() { _ = l.file.Close() })
	return l
}

func (l *log) create() {
	l.t.Helper()
	f, err := os.OpenFile(l.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		l.t.Fatal(err)
	}
	l.file = f
}

func (l *log) write(text string) {
	l.t.Helper()
	if _, err := l.file.WriteString(text); err != nil {
		l.t.Fatal(err)
	}
}

func (l *log) rename(suffix string) {
	l.t.Helper()
	if err := os.Rename(l.path, l.path+suffix); err != nil {
		l.t.Fatal(err)
	}
}

func (l *log) truncate() {
	l.t.Helper()
	if err := l.file.Truncate(0); err != nil {
		l.t.Fatal(err)
	}
}

func (s *scene) hasRead(want ...string) {
	s.t.Helper()
	got := flowtest.Texts(s.t, s.host.Out.Wait(s.t, len(want)))
	if diff := cmp.Diff(want, got); diff != "" {
		s.t.Errorf("what came: %s", diff)
	}
}

func TestFollowConformance(t *testing.T) {
	for name, configure := range map[string]func(t *testing.T) *file.Config{
		"a file":          func(t *testing.T) *file.Config { return following(string(temp(t, "what is there\n"))) },
		"no file":         func(t *testing.T) *file.Config { return following(filepath.Join(t.TempDir(), "later")) },
		"no folder":       func(t *testing.T) *file.Config { return following(filepath.Join(t.TempDir(), "later", "x")) },
		"with a position": func(t *testing.T) *file.Config { return following(string(temp(t, "x\n")), withPosition) },
		"pattern":         func(t *testing.T) *file.Config { return following(filepath.Dir(string(temp(t, "x\n"))) + "/*") },
		"position, synced": func(t *testing.T) *file.Config {
			return following(string(temp(t, "x\n")), withPosition, func(c *file.Config) { c.Sync = true })
		},
	} {
		t.Run(name, func(t *testing.T) {
			flowtest.Connector(t, func(t *testing.T) flow.ConnectorConfig { return configure(t) })
		})
	}
}

func TestFollow(t *testing.T) {
	l := newLog(t, filepath.Join(t.TempDir(), "log"))
	l.write("one\ntw")
	s := newScene(t, following(l.path), lines(t))
	running := s.start()
	s.hasRead("one")
	l.write("o\nthree")
	s.hasRead("one", "two")
	l.write("\n")
	s.hasRead("one", "two", "three")
	l.write("no newline")
	if err := running.Stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	s.hasRead("one", "two", "three") // and not half of what is being written
}

func TestFollowFromTheEnd(t *testing.T) {
	for _, change := range []func(*file.Config){func(*file.Config) {}, withPosition} {
		l := newLog(t, filepath.Join(t.TempDir(), "log"))
		l.write("before\n")
		config := following(l.path, change, func(c *file.Config) { c.Start = "end" })
		s := newScene(t, config, lines(t))
		running := s.start()
		s.host.WaitOpen(1, running.Done())
		s.until(func() bool { // the place is decided when the file has been found
			if config.Position != "" {
				return strings.Contains(content(t, config.Position), "offset")
			}
			l.write("probe\n")
			return len(s.host.Out.Events()) > 0
		})
		l.write("after\n")
		got := flowtest.Texts(t, s.host.Out.Wait(t, 1))
		for len(got) > 0 && got[len(got)-1] != "after" {
			got = flowtest.Texts(t, s.host.Out.Wait(t, len(got)+1))
		}
		if slices.Contains(got, "before") {
			t.Errorf("it began before the end: %q", got)
		}
		if err := running.Stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
	}
}

// patience bounds what takes no time when all is well.
const patience = 2 * time.Minute

// until looks again and again whether a condition is met.
func (s *scene) until(met func() bool) {
	s.t.Helper()
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	timeout := time.After(patience)
	for !met() {
		select {
		case <-again.C:
		case <-timeout:
			s.t.Fatalf("it does not come to that, after %d events", len(s.host.Out.Events()))
		}
	}
}

func TestFollowWhatComesLater(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "a", "b")
	s := newScene(t, following(filepath.Join(folder, "log")), lines(t))
	running := s.start()
	s.host.WaitOpen(1, running.Done())
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	l := newLog(t, filepath.Join(folder, "log"))
	l.write("one\n")
	s.hasRead("one")
	if err := running.Stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestFollowThroughRotation(t *testing.T) {
	for name, rotate := range map[string]func(l *log){
		"renamed": func(l *log) {
			l.rename(".1")
			l.write("late\n") // its writer has not noticed
			_ = l.file.Close()
			l.create()
		},
		"created at once": func(l *log) {
			old := l.file
			l.rename(".1")
			l.create()
			if _, err := old.WriteString("late\n"); err != nil {
				l.t.Fatal(err)
			}
			_ = old.Close()
		},
		"removed": func(l *log) {
			l.write("late\n")
			if err := os.Remove(l.path); err != nil {
				l.t.Fatal(err)
			}
			_ = l.file.Close()
			l.create()
		},
		"replaced": func(l *log) {
			l.write("late\n")
			next := newLog(l.t, l.path+".next")
			if err := os.Rename(next.path, l.path); err != nil {
				l.t.Fatal(err)
			}
			_ = l.file.Close()
			l.file = next.file
		},
	} {
		for where, change := range map[string]func(*file.Config){"no position": func(*file.Config) {}, "position": withPosition} {
			t.Run(name+", "+where, func(t *testing.T) {
				t.Parallel()
				l := newLog(t, filepath.Join(t.TempDir(), "log"))
				wait := func(c *file.Config) { c.RotateWait = setting.Duration(2 * time.Second) } // for a writer on a busy machine
				s := newScene(t, following(l.path, change, wait), lines(t))
				running := s.start()
				l.write("one\n")
				s.hasRead("one")
				rotate(l)
				l.write("two\n")
				got := flowtest.Texts(t, s.host.Out.Wait(t, 3))
				slices.Sort(got[1:]) // what is late may come late
				if diff := cmp.Diff([]string{"one", "late", "two"}, got); diff != "" {
					t.Error(diff)
				}
				s.until(func() bool { return s.host.Closed() == 1 }) // the old one is let go
				l.write("three\n")
				s.host.Out.Wait(t, 4)
				if err := running.Stop(); err != nil {
					t.Errorf("Run: %v", err)
				}
			})
		}
	}
}

// What stands behind the last newline of a file that is over is a message.
func TestFollowEndsWhatIsOver(t *testing.T) {
	l := newLog(t, filepath.Join(t.TempDir(), "log"))
	l.write("one\nhalf")
	s := newScene(t, following(l.path, withPosition), lines(t))
	running := s.start()
	s.hasRead("one")
	l.rename(".1")
	_ = l.file.Close()
	l.create()
	s.hasRead("one", "half")
	l.write("two\nthr")
	s.hasRead("one", "half", "two")
	l.truncate()
	s.hasRead("one", "half", "two", "thr")
	l.write("four\n")
	s.hasRead("one", "half", "two", "thr", "four")
	if err := running.Stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestFollowNoticesTruncation(t *testing.T) {
	for _, next := range []string{"2\n", "the new one is as long as the old one was, and then some\n"} {
		l := newLog(t, filepath.Join(t.TempDir(), "log"))
		l.write("the old one, which was longer\n")
		s := newScene(t, following(l.path), lines(t))
		running := s.start()
		s.hasRead("the old one, which was longer")
		l.truncate()
		l.write(next)
		s.hasRead("the old one, which was longer", strings.TrimSpace(next))
		if err := running.Stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
	}
}

func TestFollowGoesOnAtItsPosition(t *testing.T) {
	l := newLog(t, filepath.Join(t.TempDir(), "log"))
	l.write("one\ntw")
	var want []string
	round := func(wants ...string) {
		t.Helper()
		s := newScene(t, following(l.path, withPosition), lines(t)) // another process
		running := s.start()
		s.host.Out.Wait(t, len(wants))
		if err := running.Stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
		got := flowtest.Texts(t, s.host.Out.Events())
		slices.Sort(got) // what stands at the end of an old file may come late
		if diff := cmp.Diff(wants, got); diff != "" {
			t.Errorf("after %q: %s", want, diff)
		}
		want = append(want, wants...)
	}
	round("one")
	l.write("o\n")
	round("two")
	l.write("three\n")
	l.rename(".1") // while nobody looks
	l.write("four\nfive")
	_ = l.file.Close()
	l.create()
	l.write("six\n")
	round("five", "four", "six", "three")
	l.truncate()
	l.write("7\n")
	round("7")
	l.truncate()
	l.write("eight is longer\n")
	round("eight is longer")
	if err := os.Remove(l.path); err != nil { // its inode may be that of the next
		t.Fatal(err)
	}
	_ = l.file.Close()
	l.create()
	l.write("nine is longer than eight was\n")
	round("nine is longer than eight was")
}

// More files than may be open were rotated while nobody looked.
func TestFollowCatchesUp(t *testing.T) {
	l := newLog(t, filepath.Join(t.TempDir(), "log"))
	config := following(l.path, withPosition, func(c *file.Config) { c.MaxFiles = 3 })
	l.write("0\n")
	s := newScene(t, config, lines(t))
	running := s.start()
	s.hasRead("0")
	if err := running.Stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	var want []string
	for n := 1; n <= 10; n++ {
		l.rename(fmt.Sprintf(".%03d", n))
		_ = l.file.Close()
		l.create()
		l.write(fmt.Sprintf("%d\n", n))
		want = append(want, fmt.Sprint(n))
	}
	s = newScene(t, config, lines(t))
	running = s.start()
	s.hasRead(want...)
	if err := running.Stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
}

// What the flow does not take comes again, from the last place on where it did.
func TestFollowRepeatsWhatWasRefused(t *testing.T) {
	l := newLog(t, filepath.Join(t.TempDir(), "log"))
	l.write("one\n")
	s := newScene(t, following(l.path, withPosition), lines(t))
	refuse := true
	s.host.Out.Refuse = func(e *flow.Event) error {
		if v, err := e.Payload(); refuse && err == nil && v.Text() == "two" {
			refuse = false
			return errors.New("not now")
		}
		return nil
	}
	running := s.start()
	s.hasRead("one")
	l.write("two\n")
	if err := running.Wait(); err == nil || !strings.Contains(err.Error(), "not now") {
		t.Fatalf("Run: %v", err)
	}
	s.release()
	running = s.start()
	s.hasRead("one", "two")
	if err := running.Stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
}

// What is no message never will be one: it must not be in the way of the others.
func TestFollowPassesOverWhatIsUnreadable(t *testing.T) {
	l := newLog(t, filepath.Join(t.TempDir(), "log"))
	l.write("one\n" + strings.Repeat("too long ", 10000) + "\ntwo\n")
	s := newScene(t, following(l.path, withPosition), lines(t))
	s.host.Err.Refuse = func(*flow.Event) error { return errors.New("nobody listens") }
	running := s.start()
	s.hasRead("one", "two")
	if err := running.Stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestFollowPattern(t *testing.T) {
	folder := t.TempDir()
	a, b := newLog(t, filepath.Join(folder, "a.log")), newLog(t, filepath.Join(folder, "b.log"))
	other := newLog(t, filepath.Join(folder, "other"))
	a.write("a1\na2")
	b.write("b1\nb2")
	other.write("no\n")
	config := following(folder+"/*.log", func(c *file.Config) { c.MaxFiles, c.Position = 2, setting.Path(folder+"/x.log") })
	s := newScene(t, config, lines(t))
	running := s.start()
	s.host.Out.Wait(t, 2)
	c := newLog(t, filepath.Join(folder, "c.log"))
	c.write("c1\n")
	s.until(func() bool { return s.host.Logs.FilterMessageSnippet("others wait").Len() > 0 })
	if n := len(s.host.Out.Events()); n != 2 {
		t.Errorf("%d events of two files", n)
	}
	for n := 3; n < 10; n++ { // which is looked at each time, and no room is found
		a.write("\n")
		s.host.Out.Wait(t, n)
	}
	if told := s.host.Logs.FilterMessageSnippet("others wait").Len(); told != 1 {
		t.Errorf("that others wait was told %d times", told)
	}
	if err := os.Remove(a.path); err != nil {
		t.Fatal(err)
	}
	events := s.host.Out.Wait(t, 10)
	got := flowtest.Texts(t, events)
	slices.Sort(got)
	if diff := cmp.Diff([]string{"", "", "", "", "", "", "a1", "a2", "b1", "c1"}, got); diff != "" {
		t.Error(diff)
	}
	if path := events[9].Origin.PeerField("path").Text(); path != c.path {
		t.Errorf("peer.path is %q, want %q", path, c.path)
	}
	if err := running.Stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
}

// In a reload the new connector runs before the old one has ended.
func TestFollowersWaitForEachOther(t *testing.T) {
	l := newLog(t, filepath.Join(t.TempDir(), "log"))
	l.write("one\n")
	first := newScene(t, following(l.path, withPosition), lines(t))
	running := first.start()
	first.hasRead("one")
	second := newScene(t, following(l.path, withPosition), lines(t))
	then := second.start()
	second.until(func() bool {
		return second.host.Logs.FilterMessage("somebody else has the position file: waiting for their end").Len() > 0
	})
	l.write("two\n")
	first.hasRead("one", "two")
	if err := running.Stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	l.write("three\n")
	second.hasRead("three")
	if err := then.Stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestFollowRefusesBadPositions(t *testing.T) {
	for text, want := range map[string]string{
		"{":                                 "unexpected EOF",
		`{"version":2,"files":[]}`:          "its version is 2",
		`{"version":1,"files":[]} x`:        "something follows its end",
		`{"version":1,"files":[],"more":1}`: "unknown field",
		`{"version":1,"files":[{"offset":-1,"sha256":""}]}`:          "entry 1: offset is negative",
		`{"version":1,"files":[{"offset":1,"head":2,"sha256":""}]}`:  "entry 1: head is 2",
		`{"version":1,"files":[{"offset":1,"head":1,"sha256":"0"}]}`: "entry 1: encoding/hex",
	} {
		path := temp(t, "x\n")
		config := following(string(path), withPosition)
		if err := os.WriteFile(string(config.Position), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		err := newScene(t, config, flowtest.Options{}).prepare()
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "restore it, or remove it") {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// Everything that a writer writes arrives, however it rotates.
func TestFollowUnderLoad(t *testing.T) {
	const files, each = 30, 2000
	for name, rotate := range map[string]func(l *log, n int){
		"renamed": func(l *log, n int) {
			l.rename(fmt.Sprintf(".%03d", n))
			_ = l.file.Close()
			l.create()
		},
		"late": func(l *log, n int) {
			old := l.file
			l.rename(fmt.Sprintf(".%03d", n))
			l.create()
			for i := range 10 {
				if _, err := fmt.Fprintf(old, "late %d %d\n", n, i); err != nil {
					l.t.Error(err)
				}
			}
			_ = old.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLog(t, filepath.Join(t.TempDir(), "log"))
			config := following(l.path, withPosition, func(c *file.Config) { c.RotateWait = setting.Duration(patience) })
			want := 1 + files*each
			if name == "late" {
				want += files * 10
			}
			// The follower is ended and begun anew all the time, and all events are counted.
			times := map[string]int{}
			begin, done := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(done)
				<-begin
				for n := range files {
					for i := range each / 50 {
						var b strings.Builder
						for j := range 50 {
							fmt.Fprintf(&b, "record %d %d\n", n, i*50+j)
						}
						l.write(b.String()[:b.Len()/2])
						l.write(b.String()[b.Len()/2:])
					}
					rotate(l, n)
				}
			}()
			for begun := 0; ; begun++ {
				s := newScene(t, config, lines(t))
				running := s.start()
				if begun == 0 {
					l.write("the first\n") // what was rotated before is not known to anybody
					s.hasRead("the first")
					close(begin)
				}
				s.until(func() bool {
					n := len(s.host.Out.Events())
					return !closed(done) && n > want/20 || len(times)+n >= want
				})
				over := len(times)+len(s.host.Out.Events()) >= want
				if err := running.Stop(); err != nil {
					t.Fatalf("Run: %v", err)
				}
				for _, text := range flowtest.Texts(t, s.host.Out.Events()) {
					times[text]++
				}
				if over {
					t.Logf("ended and begun %d times", begun)
					break
				}
			}
			if len(times) != want {
				t.Errorf("%d of %d records came", len(times), want)
			}
			for text, n := range times {
				if n != 1 {
					t.Errorf("%q came %d times, and nothing ended abruptly", text, n)
				}
			}
		})
	}
}

func closed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}
