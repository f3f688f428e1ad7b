package notice

import (
	"testing"
	"time"

	"go.uber.org/zap/zapcore"

	"github.com/flowrun/flowrun/runtime/flow"
)

func TestSpelling(t *testing.T) {
	n := Health(&flow.Component{Flow: "f", Kind: "connector", Name: `edge["a"]`}, true, "open")
	n.Time = time.Date(2030, 1, 2, 4, 4, 5, 678901234, time.FixedZone("", 3600))
	if got, want := string(Append([]byte("> "), n)), `> {"type":"backend.health","timestamp":"2030-01-02T03:04:05.678Z","data":{"name":"edge[\"a\"]","healthy":true,"flow":"f","state":"open"}}`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	r := Record(zapcore.WarnLevel, "a \"problem\"", flow.MapOf(flow.ObjectOf(flow.Field{Key: "n", Value: flow.IntOf(1)})))
	r.Time = n.Time
	if got, want := string(AppendRecord(nil, r)), `{"timestamp":"2030-01-02T03:04:05.678Z","level":"warn","message":"a \"problem\"","fields":{"n":1}}`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if Level(r) != zapcore.WarnLevel {
		t.Errorf("its level is %s", Level(r))
	}
}
