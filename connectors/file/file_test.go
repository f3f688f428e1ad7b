package file_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/flowrun/flowrun/connectors/file"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/runtime/setting"
	"github.com/google/go-cmp/cmp"
)

// scene is a file connector in its host.
type scene struct {
	t         *testing.T
	host      *flowtest.Host
	connector flow.Connector
}

func newScene(t *testing.T, config *file.Config, options flowtest.Options) *scene {
	t.Helper()
	c, err := config.New()
	if err != nil {
		t.Fatal(err)
	}
	options.Shape = config.Shape()
	return &scene{t, flowtest.NewHost(t, options), c}
}

func (s *scene) prepare() error { return s.connector.(flow.Preparer).Prepare(s.t.Context(), s.host) }
func (s *scene) release()       { s.connector.(flow.Preparer).Release() }

// start prepares and runs the connector.
func (s *scene) start() *flowtest.Running {
	s.t.Helper()
	if err := s.prepare(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(s.release)
	return flowtest.Start(s.t, s.connector, s.host)
}

func (s *scene) send(texts ...string) {
	s.t.Helper()
	if err := s.host.Send(s.t.Context(), texts...); err != nil {
		s.t.Fatalf("Send: %v", err)
	}
}

func temp(t *testing.T, content string) setting.Path {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return setting.Path(path)
}

func content(t *testing.T, path setting.Path) string {
	t.Helper()
	b, err := os.ReadFile(string(path))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func fifo(t *testing.T) setting.Path {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return setting.Path(path)
}

func TestConformance(t *testing.T) {
	for _, config := range []file.Config{
		{Mode: "read"}, {Mode: "write"}, {Mode: "truncate"}, {Mode: "append"}, {Mode: "append", Sync: true},
	} {
		t.Run(config.Mode, func(t *testing.T) {
			flowtest.Connector(t, func(t *testing.T) flow.ConnectorConfig {
				config.Path = temp(t, "what was there")
				return &config
			})
		})
	}
	t.Run("fifo", func(t *testing.T) {
		flowtest.Connector(t, func(t *testing.T) flow.ConnectorConfig {
			return &file.Config{Path: fifo(t), Mode: "read"}
		})
	})
}

func TestRead(t *testing.T) {
	for _, size := range []int{0, 1, 64<<10 - 1, 64 << 10, 64<<10 + 1, 1 << 20} {
		want := strings.Repeat("0123456789abcdef", size/16+1)[:size]
		s := newScene(t, &file.Config{Path: temp(t, want), Mode: "read"}, flowtest.Options{})
		if err := s.start().Wait(); err != nil {
			t.Errorf("%d bytes: Run: %v", size, err)
		}
		got := strings.Join(flowtest.Texts(t, s.host.Out.Events()), "")
		if got != want {
			t.Errorf("%d bytes were read as %d, or others", size, len(got))
		}
		if s.host.Opened() != 1 || s.host.Closed() != 1 {
			t.Errorf("%d links opened, %d closed", s.host.Opened(), s.host.Closed())
		}
	}
}

func TestReadGoesOnAfterFailure(t *testing.T) {
	s := newScene(t, &file.Config{Path: temp(t, strings.Repeat("x", 200<<10)), Mode: "read"}, flowtest.Options{})
	calls := 0
	s.host.Out.Refuse = func(*flow.Event) error {
		if calls++; calls == 2 {
			return errors.New("not this one")
		}
		return nil
	}
	if err := s.start().Wait(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if n := len(s.host.Out.Events()); n != 3 {
		t.Errorf("%d of 3 other chunks arrived", n)
	}
	if s.host.Table.Stats().Failed != 1 || s.host.Logs.FilterMessage("a message of the file was not handled").Len() != 1 {
		t.Errorf("not counted and logged once: %+v, %v", s.host.Table.Stats(), s.host.Logs.All())
	}
}

func TestReadEndsBetweenChunks(t *testing.T) {
	s := newScene(t, &file.Config{Path: "/dev/zero", Mode: "read"}, flowtest.Options{})
	running := s.start()
	s.host.Out.Wait(t, 3)
	if err := running.Stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestReadPipe(t *testing.T) {
	path := fifo(t)
	s := newScene(t, &file.Config{Path: path, Mode: "read"}, flowtest.Options{})
	running := s.start() // before anybody writes
	for round, text := range []string{"one", "two"} {
		w, err := os.OpenFile(string(path), os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = w.Close() }()
		if _, err := w.WriteString(text); err != nil {
			t.Fatal(err)
		}
		if got := flowtest.Texts(t, s.host.Out.Wait(t, round+1))[round]; got != text {
			t.Errorf("got %q, want %q", got, text)
		}
		if round == 1 {
			break
		}
		select {
		case <-running.Done():
			t.Error("the end came while the pipe was open")
		default:
		}
	}
	if err := running.Stop(); err != nil { // while it waits for more
		t.Errorf("Run: %v", err)
	}
}

func TestReadPipeToItsEnd(t *testing.T) {
	path := fifo(t)
	s := newScene(t, &file.Config{Path: path, Mode: "read"}, flowtest.Options{})
	running := s.start()
	if err := os.WriteFile(string(path), []byte("all"), 0); err != nil {
		t.Fatal(err)
	}
	if err := running.Wait(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if diff := cmp.Diff([]string{"all"}, flowtest.Texts(t, s.host.Out.Events())); diff != "" {
		t.Error(diff)
	}
}

func TestWriteModes(t *testing.T) {
	for mode, want := range map[string]string{
		"write":    "new",
		"truncate": "new",
		"append":   "what was therenew",
	} {
		for _, sync := range []bool{false, true} {
			path := temp(t, "what was there")
			s := newScene(t, &file.Config{Path: path, Mode: mode, Sync: sync}, flowtest.Options{})
			running := s.start()
			s.send("n", "", "ew")
			if got := content(t, path); got != want {
				t.Errorf("%s: delivered, but the file holds %q, want %q", mode, got, want)
			}
			if err := running.Stop(); err != nil {
				t.Errorf("%s: Run: %v", mode, err)
			}
		}
	}
}

func TestWriteCreates(t *testing.T) {
	for _, mode := range []string{"write", "truncate", "append"} {
		path := setting.Path(filepath.Join(t.TempDir(), "new"))
		s := newScene(t, &file.Config{Path: path, Mode: mode}, flowtest.Options{})
		running := s.start()
		s.send("x")
		if err := running.Stop(); err != nil {
			t.Errorf("%s: Run: %v", mode, err)
		}
		if got := content(t, path); got != "x" {
			t.Errorf("%s: %q", mode, got)
		}
	}
}

func TestPrepareChangesNothing(t *testing.T) {
	path := temp(t, "precious")
	s := newScene(t, &file.Config{Path: path, Mode: "truncate"}, flowtest.Options{})
	if err := s.prepare(); err != nil {
		t.Fatal(err)
	}
	s.release() // another connector could not start
	if got := content(t, path); got != "precious" {
		t.Errorf("Prepare left %q of the file", got)
	}
}

func TestRunAgainKeepsWhatWasWritten(t *testing.T) {
	path := temp(t, "old")
	s := newScene(t, &file.Config{Path: path, Mode: "truncate"}, flowtest.Options{})
	for _, text := range []string{"one ", "two"} {
		running := s.start()
		s.send(text)
		if err := running.Stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
		s.release()
	}
	if got := content(t, path); got != "one two" {
		t.Errorf("the file holds %q", got)
	}
}

func TestWriteManyFrames(t *testing.T) {
	path := temp(t, "")
	s := newScene(t, &file.Config{Path: path, Mode: "write"}, flowtest.Options{})
	running := s.start()
	var texts []string
	for n := range 2000 {
		texts = append(texts, strings.Repeat(string(rune('a'+n%26)), n%300))
	}
	texts = append(texts, strings.Repeat("L", 200<<10), "tail", strings.Repeat("M", 64<<10))
	s.send(texts...)
	if err := running.Stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if got := content(t, path); got != strings.Join(texts, "") {
		t.Errorf("%d bytes were written as %d, or others", len(strings.Join(texts, "")), len(got))
	}
}

func TestFullDisk(t *testing.T) {
	s := newScene(t, &file.Config{Path: "/dev/full", Mode: "append"}, flowtest.Options{})
	running := s.start()
	s.send("one", "two") // the err port takes them, so they are handled
	problems := flowtest.Payloads(t, s.host.Err.Events())
	if len(problems) != 2 {
		t.Fatalf("%d problems, want 2", len(problems))
	}
	what, _ := problems[0].Object().Get("error")
	message, _ := what.Object().Get("message")
	if got, want := message.Text(), "write /dev/full: no space left on device"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := running.Stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
}

// A process may be forbidden to write beyond a size, which is as near to a
// full disk as a test gets with a real file.
func TestHalfAWriteIsTakenBack(t *testing.T) {
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	limit := before
	limit.Cur = 10
	path := temp(t, "")
	s := newScene(t, &file.Config{Path: path, Mode: "append"}, flowtest.Options{})
	running := s.start()
	s.send("whole;")
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	sent := s.host.Send(t.Context(), "beyond;")
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	if n := len(s.host.Err.Events()); sent != nil || n != 1 {
		t.Errorf("a write over the limit: %v and %d problems", sent, n)
	}
	s.send("after;")
	if err := running.Stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if got, want := content(t, path), "whole;after;"; got != want {
		t.Errorf("the file holds %q, want %q", got, want)
	}
}

func TestPipeWithoutReaderLeaving(t *testing.T) {
	path := fifo(t)
	reader, err := os.OpenFile(string(path), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := newScene(t, &file.Config{Path: path, Mode: "write"}, flowtest.Options{})
	running := s.start()
	s.send("heard")
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	s.send("unheard")
	if n := len(s.host.Err.Events()); n != 1 {
		t.Errorf("%d problems for a pipe that nobody reads any more", n)
	}
	if err := running.Stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestPipeThatIsNotReadDoesNotHoldUpTheEnd(t *testing.T) {
	path := fifo(t)
	reader, err := os.OpenFile(string(path), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reader.Close() }()
	s := newScene(t, &file.Config{Path: path, Mode: "write"}, flowtest.Options{})
	running := s.start()
	sent := make(chan error, 1)
	go func() { sent <- s.host.Send(s.host.Abandon(), strings.Repeat("x", 1<<20)) }()
	buf := make([]byte, 1)
	for n := 0; n == 0; n, _ = reader.Read(buf) { // until it is writing
		if err := reader.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
	}
	s.host.Drop()
	<-sent
	_ = running.Stop() // what it returns tells of the loss, or not
}

func TestBadInput(t *testing.T) {
	folder := t.TempDir()
	plain := string(temp(t, ""))
	for _, test := range []struct{ name, path, mode, want string }{
		{"missing", folder + "/no.json", "read", "open " + folder + "/no.json to read: no such file or directory: create it, or correct the path"},
		{"a folder to read", folder, "read", "open " + folder + " to read: it is a folder: name a file in it"},
		{"a folder to write", folder, "append", "open " + folder + " to write: it is a folder: name a file in it"},
		{"no folder", folder + "/a/b", "write", "open " + folder + "/a/b to write: no such file or directory: create its folder first"},
		{"a file as folder", plain + "/b", "write", "open " + plain + "/b to write: not a directory"},
		{"a pipe without reader", string(fifo(t)), "write", "nobody reads this named pipe: start its reader first"},
		{"NUL in the path", folder + "/a\x00b", "read", "invalid argument"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newScene(t, &file.Config{Path: setting.Path(test.path), Mode: test.mode}, flowtest.Options{})
			err := s.prepare()
			if err == nil {
				t.Fatal("it was opened")
			}
			if got := err.Error(); !strings.HasSuffix(got, test.want) {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
			s.release()
		})
	}
}

func TestUnreadable(t *testing.T) {
	path := temp(t, "secret")
	if err := os.Chmod(string(path), 0); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		t.Skip("root may read everything")
	}
	s := newScene(t, &file.Config{Path: path, Mode: "read"}, flowtest.Options{})
	if err := s.prepare(); err == nil || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("got %v", err)
	}
}

func TestConfig(t *testing.T) {
	for _, test := range []struct {
		config file.Config
		field  string
	}{
		{file.Config{Mode: "read"}, "path"},
		{file.Config{Path: "x", Mode: "read", Sync: true}, "sync"},
		{file.Config{Path: "x", Mode: "append", Sync: true}, ""},
	} {
		_, err := test.config.New()
		fe := &setting.Error{}
		if errors.As(err, &fe); fe.Field != test.field {
			t.Errorf("%+v: got %v, want an error about %q", test.config, err, test.field)
		}
	}
}

func TestShape(t *testing.T) {
	reads := (&file.Config{Path: "a", Mode: "read"}).Shape()
	if reads.Role != flow.Source || !reads.Stream || !reads.Out || reads.In || len(reads.Claims) > 0 {
		t.Errorf("read: %+v", reads)
	}
	one := (&file.Config{Path: "a/../b", Mode: "append"}).Shape()
	two := (&file.Config{Path: "./b", Mode: "write"}).Shape()
	if one.Role != flow.Target || !one.Stream || one.Out || !one.In || len(one.Claims) != 1 {
		t.Errorf("append: %+v", one)
	}
	if diff := cmp.Diff(one.Claims, two.Claims); diff != "" {
		t.Errorf("one file, two claims that do not meet: %s", diff)
	}
}

func TestReadError(t *testing.T) {
	const path = "/proc/self/mem" // can be opened, but not read from its beginning
	if _, err := os.Stat(path); err != nil {
		t.Skipf("this system has no %s", path)
	}
	s := newScene(t, &file.Config{Path: path, Mode: "read"}, flowtest.Options{})
	err := s.start().Wait()
	if want := "read /proc/self/mem: input/output error"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
	if s.host.Closed() != 1 {
		t.Error("the link was not closed")
	}
}
