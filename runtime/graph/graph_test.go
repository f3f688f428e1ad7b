package graph

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/flowtest/cputime"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// config is a configuration that knows its role only.
type config flow.Role

func (c config) Shape() flow.Shape            { return flow.Shape{Role: flow.Role(c)} }
func (c config) New() (flow.Connector, error) { return nil, nil }

// where is a condition at a place.
type where string

func (w where) Eval(*flow.Event, ...flow.Value) (flow.Value, error) { return flow.NullValue, nil }
func (w where) Test(*flow.Event, ...flow.Value) (bool, error)       { return true, nil }
func (w where) At() string                                          { return string(w) }

// file makes a flow of lines as in
//
//	connector <role> <type> <name>
//	pipeline <name> [port...]
//	connect <name> <from>... [via <pipeline>...] [where <place>] [best effort] [broadcast] to <to>...
func file(t *testing.T, name, lines string) *flowfile.File {
	t.Helper()
	f := &flowfile.File{Name: name}
	roles := map[string]flow.Role{"source": flow.Source, "server": flow.Server, "client": flow.Client, "target": flow.Target}
	for i, line := range strings.Split(strings.TrimSpace(lines), "\n") {
		w := strings.Fields(line)
		at := flow.Place{File: "flow.hcl", Line: i + 1}
		switch w[0] {
		case "connector":
			f.Connectors = append(f.Connectors, &flowfile.ConnectorBlock{Type: w[2], Name: w[3], At: at, Config: config(roles[w[1]])})
		case "pipeline":
			f.Pipelines = append(f.Pipelines, &flowfile.PipelineBlock{Name: w[1], At: at, Ports: w[2:]})
		case "connect":
			f.Connects = append(f.Connects, edge(w[1], w[2:], at))
		default:
			t.Fatalf("what is %q?", line)
		}
	}
	return f
}

func edge(name string, words []string, at flow.Place) *flowfile.ConnectBlock {
	c := &flowfile.ConnectBlock{Name: name, At: at}
	part := "from"
	for _, w := range words {
		switch {
		case w == "via" || w == "where" || w == "to":
			part = w
		case w == "broadcast":
			c.Deliver = flow.Broadcast
		case w == "best":
			c.BestEffort = true
		case w == "effort":
		case part == "from":
			c.From = append(c.From, ref(w, "out"))
		case part == "via":
			c.Via = append(c.Via, w)
		case part == "where":
			c.Where = where(w)
		case part == "to":
			c.To = append(c.To, ref(w, "in"))
		}
	}
	return c
}

func ref(s, port string) flowfile.PortRef {
	p := strings.Split(s+"."+port, ".")
	return flowfile.PortRef{Kind: p[0], Name: p[1], Port: p[2]}
}

var flows = map[string]string{
	"echo": `
connector server ws_server edge
connect echo connector.edge to connector.edge`,

	"fanout": `
connector client ws_client feed
connector server ws_server edge
connector target file archive
connect live connector.feed where flow.hcl:7 broadcast to connector.edge
connect all connector.edge broadcast to connector.edge
connect keep connector.feed best effort to connector.archive`,

	"tremor": `
connector source file in
connector target file out
connector target stdio console
connector target exit exit
connector client ws_client client
connector server ws_server server
pipeline server_side exit rest
connect send connector.in to connector.client
connect serve connector.server to pipeline.server_side
connect keep_and_echo pipeline.server_side.rest to connector.out connector.server
connect stop pipeline.server_side.exit to connector.exit
connect show connector.client connector.client.err connector.server.err connector.in.err to connector.console`,

	// Instances of their own and a shared one, exits that all of them join,
	// a condition, an unused pipeline, a circle of two connectors.
	"instances": `
connector client ws_client feed
connector server ws_server edge
connector client tcp_client a
connector client tcp_client b
connector target log problems
connector target file odd
connector source metronome unused
pipeline slim odd
pipeline tidy odd
pipeline unused
connect live connector.feed via slim tidy where flow.hcl:11,9-30 to connector.edge connector.odd
connect more connector.feed connector.edge via slim to pipeline.slim
connect rest pipeline.slim to connector.edge
connect odd pipeline.slim.odd pipeline.tidy.odd to connector.odd
connect errors connector.feed.err connector.edge.err pipeline.slim.err to connector.problems
connect ab connector.a to connector.b
connect ba connector.b to connector.a`,

	// Only an exit of the pipeline is named.
	"exits": `
connector source file in
connector target file "out"
pipeline p rest
connect odd pipeline.p.rest to connector."out"
connect "q"<&> connector.in to connector."out"`,
}

func TestGolden(t *testing.T) {
	for name, lines := range flows {
		g := New(file(t, name, lines))
		for ending, got := range map[string]string{"txt": g.Text(), "mmd": g.Mermaid(), "dot": g.DOT(), "json": string(g.JSON()), "svg": g.SVG()} {
			path := filepath.Join("testdata", name+"."+ending)
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s (go test -update writes it anew):\n%s", path, diff)
			}
		}
		if again := New(file(t, name, lines)); again.Text() != g.Text() {
			t.Errorf("%s: drawn again, it is another graph", name)
		}
	}
}

func TestJSONIsJSON(t *testing.T) {
	var v struct{ Nodes []struct{ ID string } }
	g := New(file(t, "f", flows["instances"]))
	if err := json.Unmarshal(g.JSON(), &v); err != nil || len(v.Nodes) != len(g.Nodes) {
		t.Errorf("%d nodes, %v", len(v.Nodes), err)
	}
}

func TestNodesAndWires(t *testing.T) {
	g := New(file(t, "f", flows["instances"]))
	i := slices.IndexFunc(g.Nodes, func(n *Node) bool { return n.ID == "connect.live.via[1]" })
	if i < 0 {
		t.Fatal("the second pipeline of connect.live is not there")
	}
	live := g.Nodes[i]
	if !live.Private || live.Pipeline.Name != "tidy" {
		t.Errorf("got %+v", live)
	}
	var to []string
	for _, w := range g.Leaving(live, "out") {
		to = append(to, w.To.ID)
	}
	if diff := cmp.Diff([]string{"connector.edge", "connector.odd"}, to); diff != "" {
		t.Error(diff)
	}
}

// The wiring is drawn, put in order and printed in time linear in the flow: with
// twenty times the edges, the square would be four hundred times as long.
func TestCostOfEdges(t *testing.T) {
	cost := func(edges int) time.Duration {
		var lines strings.Builder
		lines.WriteString("connector client ws_client feed\nconnector server ws_server edge\npipeline p0\n")
		for i := range edges {
			fmt.Fprintf(&lines, "pipeline p%d\n", i+1)
			fmt.Fprintf(&lines, "connect c%d connector.feed via p%d to connector.edge\n", i, i+1)
			fmt.Fprintf(&lines, "connect d%d pipeline.p%d.err to connector.edge\n", i, i+1)
			fmt.Fprintf(&lines, "connect e%d pipeline.p%d to pipeline.p%d\n", i, i, i+1)
		}
		f := file(t, "f", lines.String())
		best := time.Hour
		for range 3 {
			best = min(best, cputime.Of(func() {
				g := New(f)
				g.Text()
				for _, n := range g.Instances() {
					g.LeadsTo(n)
				}
			}))
		}
		return best
	}
	if few, many := cost(200), cost(4000); many > 150*few {
		t.Errorf("%v for 200 edges, %v for 4000", few, many)
	}
}

// What holds events is emptied in the order in which they pass, before the
// first of the connectors that it leads to ends.
func TestInstances(t *testing.T) {
	for name, want := range map[string][]string{
		"tremor": {"pipeline.server_side server"},
		"instances": {
			"pipeline.slim server", "connect.live.via[0] server", "connect.live.via[1] server", "connect.more.via[0] server",
		},
		"chain": {
			"connect.two.via[0] client", "pipeline.a client", "pipeline.b client", "connect.one.via[0] target", "pipeline.c target", "connect.lost.via[0] target",
		},
	} {
		lines := flows[name]
		if name == "chain" {
			lines = `
connector source file in
connector client tcp_client up
connector server ws_server edge
connector target file down
pipeline a
pipeline b
pipeline c
pipeline dead
connect four pipeline.c to connector.down
connect three pipeline.b to connector.up connector.down
connect back connector.up to connector.edge
connect one pipeline.b.err via a to pipeline.c
connect two connector.in via b to pipeline.a
connect ab pipeline.a to pipeline.b
connect lost connector.in via dead to pipeline.c`
		}
		g := New(file(t, name, lines))
		roles := map[flow.Role]string{flow.Source: "source", flow.Server: "server", flow.Client: "client", flow.Target: "target"}
		var got []string
		place := map[*Node]int{}
		for i, n := range g.Instances() {
			place[n] = i
			got = append(got, n.ID+" "+roles[g.LeadsTo(n)])
		}
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		for _, n := range g.Instances() {
			g.follow(n, map[*Node]bool{}, func(behind *Node) {
				if behind.Kind == Pipeline && place[behind] < place[n] {
					t.Errorf("%s: %s comes before %s, which leads to it", name, behind.ID, n.ID)
				}
			})
		}
	}
}
