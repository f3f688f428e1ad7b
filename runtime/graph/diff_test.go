package graph

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/google/go-cmp/cmp"
)

const versionOne = `
connector source file in
connector server ws_server edge
connector target log out
pipeline slim
connect live connector.in via slim to connector.edge
connect echo connector.edge where a to connector.edge
connect store connector.edge to connector.out
`

func TestDiff(t *testing.T) {
	for _, c := range []struct {
		name, old, new string
		changed        string // the block with another fingerprint
		want           string // what is not kept
	}{
		{name: "nothing"},
		{name: "the order of blocks", old: "connector source file in\nconnector server ws_server edge\n", new: "connector server ws_server edge\nconnector source file in\n"},
		{name: "the order of edges at a port", old: "connect echo connector.edge where a to connector.edge\nconnect store connector.edge to connector.out\n", new: "connect store connector.edge to connector.out\nconnect echo connector.edge where a to connector.edge\n"},
		{name: "a connector", changed: "connector edge", want: "restart connector.edge, closes"},
		{name: "a target", changed: "connector out", want: "restart connector.out"},
		{name: "a pipeline", changed: "pipeline slim", want: "restart connect.live.via[0]"},
		{name: "a condition", changed: "connect echo", want: "rewire connector.edge; rewire connect.echo"},
		{name: "another target", old: "connect store connector.edge to connector.out", new: "connect store connector.edge to connector.out connector.edge", want: "rewire connector.edge; rewire connect.store"},
		{name: "one edge more", old: "connect echo", new: "connect more connector.edge to connector.out\nconnect echo", want: "rewire connector.edge; start connect.more"},
		{name: "one edge less", old: "connect store connector.edge to connector.out\n", want: "rewire connector.edge; stop connect.store"},
		{name: "another name", old: "out\n", new: "end\n", want: "rewire connector.edge; rewire connect.store; start connector.end; stop connector.out"},
		{name: "another source of an edge", old: "store connector.edge to", new: "store connector.in to", want: "rewire connector.in; rewire connector.edge; rewire connect.store"},
		{name: "one more in via", old: "via slim", new: "via slim slim", want: "rewire connect.live.via[0]; start connect.live.via[1]"},
		{name: "one before it", old: "pipeline slim\nconnect live connector.in via slim", new: "pipeline slim\npipeline first\nconnect live connector.in via first slim", want: "rewire connector.in; rewire connect.live; start connect.live.via[0]"},
		{name: "a source that nobody wants", old: "connect live connector.in via slim to connector.edge\n", new: "connect live connector.edge via slim to connector.edge\n", want: "restart connector.in; rewire connector.edge; rewire connect.live"},
	} {
		t.Run(c.name, func(t *testing.T) {
			after := versionOne
			if c.old != "" {
				after = strings.ReplaceAll(after, c.old, c.new)
			}
			if (after == versionOne) != (c.old == "") {
				t.Fatal("nothing was replaced")
			}
			newer := file(t, "flow", after)
			mark(newer, c.changed)
			var got []string
			for _, change := range Diff(New(file(t, "flow", versionOne)), New(newer)) {
				if text := fmt.Sprintf("%s %s", change.Fate, change.Node().ID); change.Closes() {
					got = append(got, text+", closes")
				} else if change.Fate != Keep {
					got = append(got, text)
				}
			}
			slices.Sort(got)
			want := strings.Split(c.want, "; ")
			if c.want == "" {
				want = nil
			}
			slices.Sort(want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// mark gives a block another fingerprint.
func mark(f *flowfile.File, block string) {
	kind, name, _ := strings.Cut(block, " ")
	for _, c := range f.Connectors {
		if kind == "connector" && c.Name == name {
			c.Fingerprint[0]++
		}
	}
	for _, p := range f.Pipelines {
		if kind == "pipeline" && p.Name == name {
			p.Fingerprint[0]++
		}
	}
	for _, c := range f.Connects {
		if kind == "connect" && c.Name == name {
			c.Fingerprint[0]++
		}
	}
}

func TestDiffWithNothing(t *testing.T) {
	g := New(file(t, "flow", versionOne))
	for _, c := range Diff(nil, g) {
		if c.Fate != Start {
			t.Errorf("%s: %s", c.Node().ID, c.Fate)
		}
	}
	stopped := Diff(g, nil)
	for _, c := range stopped {
		if c.Fate != Stop {
			t.Errorf("%s: %s", c.Node().ID, c.Fate)
		}
	}
	if len(stopped) != len(g.Nodes) {
		t.Errorf("%d of %d nodes stop", len(stopped), len(g.Nodes))
	}
}
