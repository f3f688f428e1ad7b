// Package host is a source of figures about the machine: how busy its processors are,
// and how full its memory, at a steady pace.
//
// They are read where Linux has them (proc(5)) and told in the words of Fluent Bit's
// inputs cpu and mem, so that what is made for these understands them.
package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
	"go.uber.org/zap"
)

// Specs is this package's part of the table of connectors.
var Specs = []flow.Spec[flow.ConnectorConfig]{{
	Name:    "host",
	Summary: "how busy the machine is, at a steady pace",
	Doc: `Each event is about the interval before it, the first one interval after the start:

    {"cpu_p":12.5,"user_p":10,"system_p":2.5,"cpu0.p_cpu":20,"cpu0.p_user":16,"cpu0.p_system":4,…,
     "Mem.total":8126256,"Mem.used":4029516,"Mem.free":4096740,"Swap.total":0,"Swap.used":0,"Swap.free":0}

Shares of time are in percent, of all processors together and of each; sizes are in KiB,
and what the system would give away when asked counts as free. The names are those of Fluent Bit's inputs
cpu and mem. The figures are read by the codec, json unless the flow says otherwise.

While the flow is busy with one event, those that would follow are left out. Only Linux
tells the figures.`,
	Example: `connector "host" "figures" {
  interval = "1s"
}

connector "stdio" "console" {
  codec          = "json"
  postprocessors = ["separate"]
}

connect "show" {
  from  = connector.figures
  where = event.cpu_p > 90
  to    = connector.console
}
`,
	Config: func() flow.ConnectorConfig { return &Config{Interval: setting.Duration(time.Second)} },
}}

// Config is the configuration of a host.
type Config struct {
	Interval setting.Duration `hcl:"interval" min:"10ms" doc:"time from one event to the next"`
}

// Shape implements flow.ConnectorConfig.
func (*Config) Shape() flow.Shape { return flow.Shape{Role: flow.Source, Out: true} }

// New implements flow.ConnectorConfig.
func (c *Config) New() (flow.Connector, error) {
	if runtime.GOOS != "linux" {
		return nil, errors.New("the figures of the machine are known on Linux only")
	}
	return &host{interval: time.Duration(c.Interval), proc: "/proc"}, nil
}

type host struct {
	interval time.Duration
	proc     string
	before   []times // of the last look, the first for all processors
	buf      []byte
}

// Run implements flow.Connector.
func (h *host) Run(ctx context.Context, on flow.Host) error {
	if _, err := h.figures(); err != nil {
		return err
	}
	link, err := on.Open(flow.Peer{}, nil)
	if err != nil {
		return err
	}
	defer link.Close(on.Abandon(), nil)
	ticker := time.NewTicker(h.interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		figures, err := h.figures()
		if err != nil {
			return err
		}
		if err := link.Receive(on.Abandon(), []flow.Frame{{Data: figures}}); err != nil {
			on.Log().Warn("figures were not delivered", zap.Error(err))
		}
	}
}

// figures looks, and tells what is different from the last look. The result is valid
// until the next call.
func (h *host) figures() ([]byte, error) {
	stat, err := os.ReadFile(filepath.Join(h.proc, "stat"))
	if err != nil {
		return nil, fmt.Errorf("how busy the machine is: %w", err)
	}
	memory, err := os.ReadFile(filepath.Join(h.proc, "meminfo"))
	if err != nil {
		return nil, fmt.Errorf("how full its memory is: %w", err)
	}
	now := processors(stat)
	h.buf = append(h.buf[:0], '{')
	for i, t := range now {
		if i < len(h.before) {
			h.share(i, t.since(h.before[i]))
		}
	}
	h.before = now
	h.memory(memory)
	return append(h.buf[:len(h.buf)-1], '}'), nil
}

// share tells what processor i-1 did, or all of them.
func (h *host) share(i int, t times) {
	all := float64(t.user + t.system + t.idle)
	percent := func(n uint64) float64 {
		if all == 0 {
			return 0
		}
		return float64(int(10_000*float64(n)/all+0.5)) / 100
	}
	names := [3]string{"cpu_p", "user_p", "system_p"}
	if i > 0 {
		n := strconv.Itoa(i - 1)
		names = [3]string{"cpu" + n + ".p_cpu", "cpu" + n + ".p_user", "cpu" + n + ".p_system"}
	}
	for k, n := range [3]uint64{t.user + t.system, t.user, t.system} {
		h.buf = append(strconv.AppendQuote(h.buf, names[k]), ':')
		h.buf = append(strconv.AppendFloat(h.buf, percent(n), 'f', -1, 64), ',')
	}
}

// memory tells sizes, in KiB as meminfo does.
func (h *host) memory(text []byte) {
	sizes := map[string]int64{}
	for line := range bytes.Lines(text) {
		if name, rest, ok := strings.Cut(string(line), ":"); ok {
			if fields := strings.Fields(rest); len(fields) > 0 {
				sizes[name], _ = strconv.ParseInt(fields[0], 10, 64) // 0 for what is no number
			}
		}
	}
	for _, what := range [...]struct {
		name        string
		total, free int64
	}{{"Mem", sizes["MemTotal"], sizes["MemAvailable"]}, {"Swap", sizes["SwapTotal"], sizes["SwapFree"]}} {
		h.buf = fmt.Appendf(h.buf, `"%s.total":%d,"%s.used":%d,"%s.free":%d,`, what.name, what.total, what.name, what.total-what.free, what.name, what.free)
	}
}

// times is what a processor has done since the machine was started, in the system's
// ticks.
type times struct{ user, system, idle uint64 }

func (t times) since(before times) times {
	less := func(a, b uint64) uint64 { return max(a, b) - b } // idle may go back (proc_stat(5))
	return times{less(t.user, before.user), less(t.system, before.system), less(t.idle, before.idle)}
}

// processors reads /proc/stat: a line for all, and one for each.
func processors(text []byte) (all []times) {
	for line := range bytes.Lines(text) {
		fields := strings.Fields(string(line))
		if len(fields) < 5 || !strings.HasPrefix(fields[0], "cpu") {
			break // they come first
		}
		var n [8]uint64
		for i := range min(len(n), len(fields)-1) {
			n[i], _ = strconv.ParseUint(fields[i+1], 10, 64) // 0 for what is no number
		}
		const user, nice, system, idle, wait, irq, softirq, stolen = 0, 1, 2, 3, 4, 5, 6, 7
		all = append(all, times{user: n[user] + n[nice], system: n[system] + n[irq] + n[softirq] + n[stolen], idle: n[idle] + n[wait]})
	}
	return all
}
