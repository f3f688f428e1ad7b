package link

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Who counts what waits on the disk may have to wait for the disk. Nobody who sends waits
// for them.
func TestADiskThatIsSlowHoldsUpNoTable(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "queue")
	shape := flow.Shape{Role: flow.Client, In: true, Out: true, Queue: &setting.Queue{MaxEvents: 10, MaxBytes: 1000, Overflow: "block"}, Keep: &setting.Keep{Dir: dir}}
	tab, _, _ := table(t, shape)
	reading, goOn := make(chan struct{}), make(chan struct{})
	tab.cfg.Log = zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zapcore.EncoderConfig{MessageKey: "m"}), slow{reading, goOn}, zap.ErrorLevel))
	if err := tab.Prepare(); err != nil {
		t.Fatal(err)
	}
	defer tab.Close(flow.ErrClosed)
	if err := tab.In(flow.Reply, false).Send(t.Context(), []flow.Event{text("kept")}); err != nil {
		t.Fatal(err)
	}
	damage(t, dir)
	counted := make(chan struct{})
	go func() {
		defer close(counted)
		tab.Stats()
	}()
	<-reading // of what is damaged, which is told
	if !tab.mu.TryLock() {
		t.Error("the table is locked while the disk is read")
	} else {
		tab.mu.Unlock()
	}
	close(goOn)
	<-counted
}

// slow is a log that tells when it is written to, and takes its time.
type slow struct{ reading, goOn chan struct{} }

func (s slow) Write(p []byte) (int, error) {
	if strings.Contains(string(p), "damaged") {
		close(s.reading)
		<-s.goOn
	}
	return len(p), nil
}

func (slow) Sync() error { return nil }

// damage spoils the events of a queue.
func damage(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if spoilt := strings.ReplaceAll(string(text), "kept", "lost"); spoilt != string(text) {
			if err := os.WriteFile(f, []byte(spoilt), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}
