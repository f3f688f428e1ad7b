package file_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/flowrun/flowrun/connectors/file"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/runtime/setting"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// writing is a configuration that appends to a path.
func writing(path string, changes ...func(*file.Config)) *file.Config {
	c := file.Specs[0].Config().(*file.Config)
	c.Path, c.Mode = setting.Path(path), "append"
	for _, change := range changes {
		change(c)
	}
	return c
}

func rotating(changes ...func(*file.Rotate)) func(*file.Config) {
	return func(c *file.Config) {
		c.Rotate = &file.Rotate{}
		c.Rotate.SetDefaults()
		for _, change := range changes {
			change(c.Rotate)
		}
	}
}

// names are the files that begin with a path, sorted.
func names(t *testing.T, path string) []string {
	t.Helper()
	all, err := filepath.Glob(path + "*")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// unpacked is the content of a file, by its name.
func unpacked(t *testing.T, path string) string {
	t.Helper()
	text := content(t, setting.Path(path))
	var r io.Reader = strings.NewReader(text)
	var err error
	switch filepath.Ext(path) {
	case ".gz":
		if text != "" {
			r, err = gzip.NewReader(r)
		}
	case ".zst":
		var z *zstd.Decoder
		z, err = zstd.NewReader(r)
		defer z.Close()
		r = z
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	all, err := io.ReadAll(r)
	if err != nil {
		t.Errorf("%s: %v", path, err)
	}
	return string(all)
}

func TestRotate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.log")
	s := newScene(t, writing(path, rotating(func(r *file.Rotate) { r.MaxSize, r.Keep = 100, 1000 })), flowtest.Options{})
	running := s.start()
	var texts []string
	for n := range 500 {
		texts = append(texts, fmt.Sprintf("%d %s\n", n, strings.Repeat("x", n%150)))
	}
	for i := 0; i < len(texts); i += 50 {
		s.send(texts[i : i+50]...)
	}
	if err := running.Stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	all := names(t, path)
	all = append(all[1:], all[0]) // the youngest has the shortest name
	var whole strings.Builder
	for _, name := range all {
		text := content(t, setting.Path(name))
		if len(text) > 100 && strings.Count(text, "\n") > 1 {
			t.Errorf("%s is larger than max_size, with several events: %q", name, text)
		}
		if !strings.HasSuffix(text, "\n") {
			t.Errorf("%s ends within an event: %q", name, text)
		}
		whole.WriteString(text)
	}
	if whole.String() != strings.Join(texts, "") {
		t.Errorf("the files together are not what was sent")
	}
}

func TestRotateKeepsAndCompresses(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*file.Rotate)
		files  int
		ending string
	}{
		{"keep", func(r *file.Rotate) { r.Keep = 3 }, 3, "Z"},
		{"max_total", func(r *file.Rotate) { r.MaxTotal = 25 }, 2, "Z"},
		{"gzip", func(r *file.Rotate) { r.Compress, r.Keep = "gzip", 4 }, 4, ".gz"},
		{"zstd", func(r *file.Rotate) { r.Compress, r.Keep = "zstd", 4 }, 4, ".zst"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "out.log")
			other := path + ".mine"
			if err := os.WriteFile(other, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			// What a crash has left.
			left := path + ".20200101T000000.000000Z"
			leftovers := []string{left}
			if test.ending != "Z" {
				leftovers = append(leftovers, left+test.ending+".new")
			}
			for _, name := range leftovers {
				if err := os.WriteFile(name, []byte("left"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			s := newScene(t, writing(path, rotating(func(r *file.Rotate) { r.MaxSize = 10 }, test.change)), flowtest.Options{})
			running := s.start()
			for n := range 10 {
				s.send(fmt.Sprintf("number %03d", n))
			}
			s.until(func() bool {
				all, _ := filepath.Glob(path + ".2*")
				done, _ := filepath.Glob(path + ".2*" + test.ending)
				return len(all) == test.files && len(done) == test.files
			})
			if err := running.Stop(); err != nil {
				t.Errorf("Run: %v", err)
			}
			all, _ := filepath.Glob(path + ".2*")
			for i, name := range all {
				if got, want := unpacked(t, name), fmt.Sprintf("number %03d", 9-test.files+i); got != want {
					t.Errorf("%s holds %q, want %q", name, got, want)
				}
			}
			if _, err := os.Stat(other); err != nil {
				t.Errorf("what is not ours: %v", err)
			}
		})
	}
}

func TestRotateInTime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.log")
	s := newScene(t, writing(path, rotating(func(r *file.Rotate) { r.Interval = setting.Duration(time.Second) })), flowtest.Options{})
	running := s.start()
	s.send("old")
	s.until(func() bool { return len(names(t, path)) == 2 }) // although nothing comes
	s.send("new")
	if err := running.Stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	all := names(t, path)
	if got := content(t, setting.Path(all[1])); got != "old" {
		t.Errorf("the older one holds %q", got)
	}
	// One that was begun in an earlier period is over when the process starts.
	yesterday := time.Now().Add(-24 * time.Hour)
	if err := os.Chtimes(path, yesterday, yesterday); err != nil {
		t.Fatal(err)
	}
	s = newScene(t, writing(path, rotating(func(r *file.Rotate) { r.Interval = setting.Duration(24 * time.Hour) })), flowtest.Options{})
	running = s.start()
	s.send("newer")
	if err := running.Stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if got := content(t, setting.Path(path)); got != "newer" {
		t.Errorf("the file holds %q", got)
	}
}

// As logrotate does it.
func TestWriteGoesOnWhenTheFileIsRenamed(t *testing.T) {
	for _, compression := range []string{"none", "gzip"} {
		path := filepath.Join(t.TempDir(), "out.log")
		s := newScene(t, writing(path, func(c *file.Config) { c.Compression = compression }), flowtest.Options{})
		running := s.start()
		s.send("old;")
		if err := os.Rename(path, path+".1"); err != nil {
			t.Fatal(err)
		}
		sent := 1
		s.until(func() bool {
			s.send("more;")
			sent++
			_, err := os.Stat(path)
			return err == nil
		})
		s.send("new;")
		if err := running.Stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
		ending := ""
		if compression == "gzip" {
			ending = ".gz"
			for _, name := range names(t, path) {
				if err := os.Rename(name, name+ending); err != nil {
					t.Fatal(err)
				}
			}
		}
		one, two := unpacked(t, path+".1"+ending), unpacked(t, path+ending)
		if !strings.HasPrefix(one, "old;") || !strings.HasSuffix(two, "new;") || strings.Count(one+two, ";") != sent+1 {
			t.Errorf("%s: %d events are %q and %q", compression, sent+1, one, two)
		}
	}
}

// A folder that is gone is waited for, and senders wait with it.
func TestWriteWithoutAFolder(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "folder")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "out.log")
	s := newScene(t, writing(path), flowtest.Options{})
	running := s.start()
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	s.until(func() bool {
		s.send("x")
		return len(s.host.Err.Events()) > 0
	})
	if err := running.Wait(); err == nil || !strings.HasSuffix(err.Error(), "create its folder first") {
		t.Errorf("Run: %v", err)
	}
	if err := s.prepare(); err == nil {
		t.Error("it was opened without its folder")
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	running = s.start()
	s.send("again")
	if err := running.Stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if got := content(t, setting.Path(path)); got != "again" {
		t.Errorf("it holds %q", got)
	}
}

func TestCompressionConformance(t *testing.T) {
	for _, compression := range []string{"gzip", "zstd"} {
		flowtest.Connector(t, func(t *testing.T) flow.ConnectorConfig {
			return writing(string(temp(t, "")), rotating(func(r *file.Rotate) { r.MaxSize = 100 }), func(c *file.Config) { c.Compression = compression })
		})
	}
}

func TestWriteCompressed(t *testing.T) {
	for _, test := range []struct {
		extension string
		change    func(*file.Config)
		program   string
	}{
		{".gz", func(c *file.Config) { c.Compression = "auto" }, "gzip"},
		{".gz", func(c *file.Config) { c.Compression, c.Sync = "gzip", true }, "gzip"},
		{".zst", func(c *file.Config) { c.Compression = "auto" }, "zstd"},
		{".zst", func(c *file.Config) { c.Compression, c.FlushInterval = "zstd", 0 }, "zstd"},
	} {
		path := filepath.Join(t.TempDir(), "out"+test.extension)
		var want strings.Builder
		for range 3 {
			s := newScene(t, writing(path, test.change), flowtest.Options{})
			running := s.start()
			for n := range 100 {
				text := strings.Repeat(fmt.Sprintf("event %d\n", n), n*10+1)
				want.WriteString(text)
				s.send(text)
			}
			if err := running.Stop(); err != nil {
				t.Errorf("Run: %v", err)
			}
		}
		if got := unpacked(t, path); got != want.String() {
			t.Errorf("%s: %d bytes came back as %d, or others", test.extension, want.Len(), len(got))
		}
		if program, err := exec.LookPath(test.program); err == nil {
			out, err := exec.CommandContext(t.Context(), program, "-dc", path).Output()
			if err != nil || string(out) != want.String() {
				t.Errorf("%s -d: %v", test.program, err)
			}
		}
		s := newScene(t, &file.Config{Path: setting.Path(path), Mode: "read", Compression: "auto"}, flowtest.Options{})
		if err := s.start().Wait(); err != nil {
			t.Errorf("Run: %v", err)
		}
		if got := strings.Join(flowtest.Texts(t, s.host.Out.Events()), ""); got != want.String() {
			t.Errorf("%s: it was read as %d bytes of %d", test.extension, len(got), want.Len())
		}
	}
}

// What waits for others does not wait longer than was said.
func TestWriteCompressedInTime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.gz")
	s := newScene(t, writing(path, func(c *file.Config) {
		c.Compression, c.FlushInterval = "gzip", setting.Duration(10*time.Millisecond)
	}), flowtest.Options{})
	running := s.start()
	s.send("first")
	s.until(func() bool { return unpacked(t, path) == "first" })
	if err := running.Stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
}

// Wherever a crash has cut a file off: what was whole stays, and what comes later
// can be read.
func TestAppendToATornFile(t *testing.T) {
	for _, extension := range []string{".gz", ".zst"} {
		path := filepath.Join(t.TempDir(), "out"+extension)
		write := func(texts ...string) error {
			s := newScene(t, writing(path, func(c *file.Config) { c.Compression, c.FlushInterval = "auto", 0 }), flowtest.Options{})
			running := s.start()
			for _, text := range texts {
				s.send(text)
			}
			return running.Stop()
		}
		if err := write("one;", strings.Repeat("two;", 100)); err != nil {
			t.Fatal(err)
		}
		whole := []byte(content(t, setting.Path(path)))
		for cut := range whole {
			if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
				t.Fatal(err)
			}
			if err := write("three;"); err != nil {
				t.Fatalf("%s cut off at %d: %v", extension, cut, err)
			}
			want := "one;three;"
			if bytes.Index(whole[1:], whole[:3])+1 > cut {
				want = "three;"
			}
			if got := unpacked(t, path); got != want {
				t.Errorf("%s cut off at %d of %d: %q, want %q", extension, cut, len(whole), got, want)
			}
			// Who only reads is told and gets what there is.
			if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
				t.Fatal(err)
			}
			s := newScene(t, &file.Config{Path: setting.Path(path), Mode: "read", Compression: "auto"}, flowtest.Options{})
			if err, ended := s.start().Wait(), (*flow.Ended)(nil); err != nil && !errors.As(err, &ended) && cut > 3 {
				t.Errorf("%s cut off at %d: read: %v", extension, cut, err)
			}
		}
		foreign := "this is something else, and not a little of it"
		if err := os.WriteFile(path, []byte(foreign), 0o600); err != nil {
			t.Fatal(err)
		}
		s := newScene(t, writing(path, func(c *file.Config) { c.Compression = "auto" }), flowtest.Options{})
		if err := s.start().Wait(); err == nil || !strings.Contains(err.Error(), "move it away") {
			t.Errorf("append to something else: %v", err)
		}
		if got := content(t, setting.Path(path)); got != foreign {
			t.Errorf("it was changed: %q", got)
		}
	}
}

// With a full disk, events that wait to be compressed are kept, as far as there is
// room for them, and written when it is possible.
func TestCompressedOnAFullDisk(t *testing.T) {
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	limit := before
	limit.Cur = 10
	limits := func(l syscall.Rlimit) {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "out.gz")
	s := newScene(t, writing(path, func(c *file.Config) {
		c.Compression, c.FlushInterval = "gzip", setting.Duration(10*time.Millisecond)
	}), flowtest.Options{})
	running := s.start()
	limits(limit)
	s.send("waits;")
	s.until(func() bool { return s.host.Logs.FilterMessage("what was to be written waits").Len() > 0 })
	large := strings.Repeat("refused;", 40<<10)
	s.send(large, large)
	limits(before)
	if n := len(s.host.Err.Events()); n != 2 {
		t.Errorf("%d problems", n)
	}
	s.send("after;")
	if err := running.Stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if got := unpacked(t, path); got != "waits;after;" {
		t.Errorf("it holds %.100q", got)
	}
}

func TestCompressedBomb(t *testing.T) {
	var packed bytes.Buffer
	z, err := zstd.NewWriter(&packed, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range 200 {
		if _, err := z.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	path := temp(t, packed.String())
	s := newScene(t, &file.Config{Path: path, Mode: "read", Compression: "zstd"}, flowtest.Options{})
	total := 0
	s.host.Out.Refuse = func(e *flow.Event) error {
		v, err := e.Payload()
		if n := len(v.Text()); err != nil || n > 64<<10 {
			t.Errorf("a piece of %d bytes, %v", n, err)
		} else {
			total += n
		}
		return io.EOF // not recorded
	}
	if err := s.start().Wait(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if total != 200<<20 {
		t.Errorf("%d bytes came", total)
	}
}
