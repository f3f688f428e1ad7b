package graph

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReach(t *testing.T) {
	g := New(file(t, "flow", `
connector source logs in
connector client ws_client up
connector target log out
connector target log other
connector server ws_server edge
pipeline slim
connect live connector.in via slim to connector.up
connect answers connector.up.err to connector.out
connect echo connector.edge to connector.edge
`))
	got := slices.Sorted(maps.Keys(g.Reach("connector.in")))
	want := []string{"connect.answers", "connect.live", "connector.in", "connector.out", "connector.up", "pipeline.slim"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if g.Reach("connector.none") != nil {
		t.Error("nothing is reached from nowhere")
	}
}
