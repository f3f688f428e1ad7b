package acceptance

import (
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	collector "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/proto"
)

const reported = `
connector "ws_server" "edge" {
  url   = "127.0.0.1:0"
  codec = "json"
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
`

// told is a report as it came.
type told struct {
	header http.Header
	path   string
	about  map[string]string // the resource
	values map[string]float64
	names  map[string]bool
}

// collect takes reports until the test ends. The last ones are kept.
func collect(t *testing.T) (url string, reports chan told) {
	reports = make(chan told, 100)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		one, err := understood(r)
		if err != nil {
			t.Errorf("a report: %v", err)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		select {
		case reports <- one:
		default:
			<-reports
			reports <- one
		}
	}))
	t.Cleanup(s.Close)
	return s.URL, reports
}

func understood(r *http.Request) (told, error) {
	one := told{header: r.Header, path: r.URL.Path, about: map[string]string{}, values: map[string]float64{}, names: map[string]bool{}}
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(body)
		if err != nil {
			return one, err
		}
		body = z
	}
	raw, err := io.ReadAll(body)
	if err != nil {
		return one, err
	}
	var request collector.ExportMetricsServiceRequest
	if err := proto.Unmarshal(raw, &request); err != nil {
		return one, err
	}
	for _, of := range request.GetResourceMetrics() {
		for _, a := range of.GetResource().GetAttributes() {
			one.about[a.GetKey()] = a.GetValue().GetStringValue()
		}
		for _, scope := range of.GetScopeMetrics() {
			for _, m := range scope.GetMetrics() {
				if one.names[m.GetName()] {
					return one, fmt.Errorf("%s is there twice", m.GetName())
				}
				one.names[m.GetName()] = true
				for _, p := range points(m) {
					one.values[m.GetName()] += p.GetAsDouble()
				}
			}
		}
	}
	return one, nil
}

func points(m *metrics.Metric) []*metrics.NumberDataPoint {
	if sum := m.GetSum(); sum.GetIsMonotonic() && sum.GetAggregationTemporality() == metrics.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE {
		return sum.GetDataPoints()
	}
	return m.GetGauge().GetDataPoints()
}

// until waits for a report that will do.
func until(t *testing.T, reports chan told, enough func(told) bool) told {
	t.Helper()
	for ctx := withPatience(t); ; {
		select {
		case one := <-reports:
			if enough(one) {
				return one
			}
		case <-ctx.Done():
			t.Fatal("no report will do")
		}
	}
}

// A report says what /metrics says, and the last one has all that was counted. The
// admin listener is not needed, and what is secret is in no log.
func TestMetricsByOTLP(t *testing.T) {
	url, reports := collect(t)
	f := start(t, "", `flow {
  telemetry {
    otlp {
      endpoint = "`+url+`/base"
      headers  = { authorization = "Bearer hunter2" }
      interval = "100ms"
    }
  }
  admin { address = "127.0.0.1:0" }
}
`+reported)
	if err := echoes(mustDial(t, f.address("edge")), `"hello"`); err != nil {
		t.Fatal(err)
	}
	one := until(t, reports, func(r told) bool { return r.values["flowrun_connector_events_sent_total"] == 1 })
	if one.path != "/base/v1/metrics" || one.header.Get("Authorization") != "Bearer hunter2" || one.header.Get("Content-Encoding") != "gzip" {
		t.Errorf("%s %v", one.path, one.header)
	}
	if one.about["service.name"] != "flowrun" || one.about["service.version"] == "" || one.about["service.instance.id"] == "" {
		t.Errorf("the resource is %v", one.about)
	}
	r, err := http.Get(regexp.MustCompile(`admin API listens on (\S+)`).FindStringSubmatch(f.Stderr.String())[1] + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (\S+) `).FindAllStringSubmatch(string(text), -1) {
		if !strings.HasPrefix(m[1], "promhttp_") {
			names = append(names, m[1])
		}
	}
	slices.Sort(names)
	if diff := cmp.Diff(names, slices.Sorted(maps.Keys(one.names))); diff != "" {
		t.Errorf("-/metrics +OTLP:\n%s", diff)
	}
	if err := f.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	f.exits(0)
	if strings.Contains(f.Stderr.String(), "hunter2") {
		t.Error("a secret was logged")
	}
}

// The variables that OpenTelemetry has defined do it, too; between two reports that
// are a minute apart the last one comes at the end.
func TestMetricsByOTLPFromTheEnvironment(t *testing.T) {
	url, reports := collect(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=hunter2%21")
	t.Setenv("OTEL_SERVICE_NAME", "edge-7")
	f := start(t, "", reported)
	if err := echoes(mustDial(t, f.address("edge")), `"hello"`); err != nil {
		t.Fatal(err)
	}
	if err := f.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	one := until(t, reports, func(told) bool { return true })
	if one.path != "/v1/metrics" || one.header.Get("X-Key") != "hunter2!" || one.about["service.name"] != "edge-7" || one.values["flowrun_connector_events_sent_total"] != 1 {
		t.Errorf("%s %v %v %v", one.path, one.header, one.about, one.values)
	}
	f.exits(0)
}

// What cannot be read in the environment is told without the secrets in it, and the
// flow runs without.
func TestOTLPHeadersThatCannotBeRead(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "hunter2")
	f := start(t, "", reported)
	if err := echoes(mustDial(t, f.address("edge")), `"hello"`); err != nil {
		t.Fatal(err)
	}
	f.logged("what is wrong", func(text string) bool { return strings.Contains(text, "OTEL_EXPORTER_OTLP_HEADERS: a header has no =") })
	if err := f.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	f.exits(0)
	if strings.Contains(f.Stderr.String(), "hunter2") {
		t.Error("a secret was logged")
	}
}

// A collector that hangs up is told of once, one that never answers holds nobody up.
func TestCollectorsThatAreNotThere(t *testing.T) {
	for name, treat := range map[string]func(net.Conn){
		"hangs up":     func(c net.Conn) { c.Close() },
		"says nothing": func(net.Conn) {},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			f := start(t, "", `flow {
  telemetry {
    otlp {
      endpoint = "http://`+l.Addr().String()+`"
      interval = "100ms"
      timeout  = "1h"
    }
  }
}
`+reported)
			addr := f.address("edge")
			attempts := 1
			if name == "hangs up" {
				attempts = 5
			}
			for range attempts {
				c, err := l.Accept()
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				treat(c)
			}
			if err := echoes(mustDial(t, addr), `"hello"`); err != nil {
				t.Error(err)
			}
			if err := f.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			f.exits(0)
			if n := strings.Count(f.Stderr.String(), "metrics do not reach the collector"); n != 1 {
				t.Errorf("it is told %d times", n)
			}
		})
	}
}
