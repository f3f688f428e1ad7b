package host

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/runtime/setting"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	flowtest.Connector(t, func(*testing.T) flow.ConnectorConfig { return Specs[0].Config() })
}

func TestFigures(t *testing.T) {
	h := &host{proc: t.TempDir()}
	look := func(stat, memory string) string {
		t.Helper()
		for name, text := range map[string]string{"stat": stat, "meminfo": memory} {
			if err := os.WriteFile(filepath.Join(h.proc, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		got, err := h.figures()
		if err != nil {
			t.Fatal(err)
		}
		return string(got)
	}
	const memory = "MemTotal:  1000 kB\nMemFree:  1 kB\nMemAvailable:  400 kB\nSwapTotal:  10 kB\nSwapFree:  10 kB\nHugePages_Total: 0\n"
	const sizes = `"Mem.total":1000,"Mem.used":600,"Mem.free":400,"Swap.total":10,"Swap.used":0,"Swap.free":10}`
	if got := look("cpu  10 0 10 80 0 0 0 0 0 0\ncpu0 10 0 10 80 0 0 0 0 0 0\nintr 1\n", memory); got != "{"+sizes {
		t.Errorf("the first look tells %s", got)
	}
	got := look("cpu  16 2 11 170 1 1 0 0 0 0\ncpu0 16 2 11 170 1 1 0 0 0 0\nintr 1\n", memory)
	if want := `{"cpu_p":9.9,"user_p":7.92,"system_p":1.98,"cpu0.p_cpu":9.9,"cpu0.p_user":7.92,"cpu0.p_system":1.98,` + sizes; got != want {
		t.Errorf("the second look tells\n%s, want\n%s", got, want)
	}
	// One processor more, and idle time that goes back.
	got = look("cpu  16 2 11 160 1 1 0 0 0 0\ncpu0 16 2 11 160 1 1 0 0 0 0\ncpu1 1 1 1 1\n", memory)
	if want := `{"cpu_p":0,"user_p":0,"system_p":0,"cpu0.p_cpu":0,"cpu0.p_user":0,"cpu0.p_system":0,` + sizes; got != want {
		t.Errorf("the third look tells\n%s, want\n%s", got, want)
	}
}

func TestItComesAtAPace(t *testing.T) {
	c, err := (&Config{Interval: setting.Duration(10 * time.Millisecond)}).New()
	if err != nil {
		t.Skip(err)
	}
	on := flowtest.NewHost(t, flowtest.Options{})
	running := flowtest.Start(t, c, on)
	on.Out.Wait(t, 3)
	if err := running.Stop(); err != nil {
		t.Error(err)
	}
}

func FuzzProcessors(f *testing.F) {
	f.Add([]byte("cpu  16 2 11 170 1 1 0 0 0 0\ncpu0 16"))
	f.Fuzz(func(t *testing.T, text []byte) {
		h := &host{before: processors(text)}
		for i, now := range processors(text) {
			h.share(i, now.since(h.before[i]))
		}
		h.memory(text)
	})
}
