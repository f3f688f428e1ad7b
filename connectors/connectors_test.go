package connectors_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/flowrun/flowrun/codecs"
	"github.com/flowrun/flowrun/connectors"
	httpconn "github.com/flowrun/flowrun/connectors/http"
	"github.com/flowrun/flowrun/connectors/metronome"
	"github.com/flowrun/flowrun/connectors/ws"
	"github.com/flowrun/flowrun/flows"
	"github.com/flowrun/flowrun/preprocessors"
	"github.com/flowrun/flowrun/runtime/endpoint"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/runtime/pipeline"
	"github.com/flowrun/flowrun/runtime/setting"
)

func TestTable(t *testing.T) {
	var names []string
	for _, spec := range connectors.All {
		names = append(names, spec.Name)
		if spec.Summary == "" || spec.Doc == "" || spec.Config == nil {
			t.Errorf("connector %s lacks summary, doc or config", spec.Name)
		}
		if !strings.Contains(spec.Example, `connector "`+spec.Name+`"`) {
			t.Errorf("the example of connector %s does not use it", spec.Name)
		}
		if a, b := spec.Config(), spec.Config(); a == b && spec.Name != "null" && spec.Name != "stdio" {
			t.Errorf("connector %s gives out one configuration twice", spec.Name)
		}
	}
	slices.Sort(names)
	if len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("names are not unique: %q", names)
	}
}

// Connectors that need nothing of the world but a port; the others have the
// suite in their own tests.
func TestConformance(t *testing.T) {
	for name, set := range map[string]func(t *testing.T, c flow.ConnectorConfig){
		"exit":        nil,
		"http_server": func(t *testing.T, c flow.ConnectorConfig) { parse(t, "127.0.0.1:0", &c.(*httpconn.ServerConfig).URL) },
		"log":         nil,
		"metronome": func(_ *testing.T, c flow.ConnectorConfig) {
			c.(*metronome.Config).Interval = setting.Duration(time.Hour)
		},
		"null":      nil,
		"ws_server": func(t *testing.T, c flow.ConnectorConfig) { parse(t, "127.0.0.1:0", &c.(*ws.ServerConfig).URL) },
		"ws_client": func(t *testing.T, c flow.ConnectorConfig) { parse(t, peer(t), &c.(*ws.ClientConfig).URL) },
	} {
		i := slices.IndexFunc(connectors.All, func(s flow.Spec[flow.ConnectorConfig]) bool { return s.Name == name })
		if i < 0 {
			t.Fatalf("there is no connector %s", name)
		}
		t.Run(name, func(t *testing.T) {
			flowtest.Connector(t, func(t *testing.T) flow.ConnectorConfig {
				config := connectors.All[i].Config()
				if set != nil {
					set(t, config)
				}
				return config
			})
		})
	}
}

func parse(t *testing.T, text string, to *endpoint.URL) {
	t.Helper()
	if err := to.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
}

// peer is a WebSocket server that takes leave of whoever does.
func peer(t *testing.T) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, err := websocket.Accept(w, r, nil); err == nil {
			<-c.CloseRead(context.Background()).Done()
			_ = c.CloseNow() // it is closed already
		}
	}))
	t.Cleanup(server.Close)
	return "ws" + strings.TrimPrefix(server.URL, "http")
}

// The examples are flows that a user may start from.
func TestExamplesValidate(t *testing.T) {
	tables := flows.Tables{
		Connectors: connectors.All,
		Codecs:     codecs.All,
		Processors: preprocessors.All,
		Steps:      pipeline.Steps,
	}
	for _, spec := range connectors.All {
		path := filepath.Join(t.TempDir(), spec.Name+".hcl")
		if err := os.WriteFile(path, []byte(spec.Example), 0o600); err != nil {
			t.Fatal(err)
		}
		_, report := flows.Load([]string{path}, tables, flows.Inputs{})
		if text := report.Text(false); text != "" {
			t.Errorf("the example of connector %s:\n%s", spec.Name, text)
		}
		formatted, report := flows.Format(path, []byte(spec.Example))
		if report.HasErrors() || string(formatted) != spec.Example {
			t.Errorf("the example of connector %s is not formatted as `fmt` does it:\n%s", spec.Name, formatted)
		}
	}
}
