package steptest

import (
	"fmt"
	"strings"

	"github.com/flowrun/flowrun/runtime/flow"
)

// Words makes a batch of one event per word: {word = "…", id = its place}. The
// word 17 is a number, the wrong type for most conditions.
func Words(words string) []flow.Event {
	var batch []flow.Event
	for i, w := range strings.Fields(words) {
		word := flow.TextOf(w)
		if w == "17" {
			word = flow.IntOf(17)
		}
		batch = append(batch, flow.Event{Value: flow.MapOf(flow.ObjectOf(
			flow.Field{Key: "word", Value: word},
			flow.Field{Key: "id", Value: flow.IntOf(int64(i))},
		))})
	}
	return batch
}

// Word is the word of an event, or its payload where that is the word.
func Word(e *flow.Event) string {
	v, _ := e.Value.Object().Get("word")
	if e.Value.Kind() != flow.Map {
		v = e.Value
	}
	if v.IsNumber() {
		return fmt.Sprint(v.Int())
	}
	return v.Text()
}

// Event makes one of fields "key value key value …"; values that are numbers
// are. "from 3" makes it one of connection 3.
func Event(fields string) flow.Event {
	var e flow.Event
	o := &flow.Object{}
	words := strings.Fields(fields)
	for i := 0; i+1 < len(words); i += 2 {
		var n int64
		var v flow.Value
		if _, err := fmt.Sscanf(words[i+1], "%d", &n); err == nil && fmt.Sprint(n) == words[i+1] {
			v = flow.IntOf(n)
		} else {
			v = flow.TextOf(words[i+1])
		}
		if words[i] == "from" {
			e.Origin = Connections[n]
			continue
		}
		o.Set(words[i], v)
	}
	e.Value = flow.MapOf(o)
	return e
}

// Batch makes one of events, each in its own fields.
func Batch(events ...string) []flow.Event {
	batch := make([]flow.Event, len(events))
	for i, f := range events {
		batch[i] = Event(f)
	}
	return batch
}

// Connections are those that events are from.
var Connections = func() (all [2000]*flow.Origin) {
	for i := range all {
		all[i] = &flow.Origin{Seq: uint64(i), Connector: &flow.Component{Type: "ws_server", Name: "edge"}}
	}
	return all
}()

// Shown writes a value on one line.
func Shown(v flow.Value) string {
	var parts []string
	switch v.Kind() {
	case flow.List:
		for _, x := range v.List() {
			parts = append(parts, Shown(x))
		}
		return "[" + strings.Join(parts, " ") + "]"
	case flow.Map:
		for _, f := range v.Object().Fields() {
			parts = append(parts, f.Key+"="+Shown(f.Value))
		}
		return strings.Join(parts, " ")
	case flow.Int:
		return fmt.Sprint(v.Int())
	case flow.Float, flow.Number:
		return fmt.Sprint(v.Float())
	case flow.Null:
		return "null"
	}
	return v.Text()
}

// answers spells the connections that an event answers: " ->1,2".
func answers(o *flow.Origin) string {
	if o == nil {
		return ""
	}
	all := o.Union
	if all == nil {
		all = []*flow.Origin{o}
	}
	var parts []string
	for _, o := range all {
		parts = append(parts, fmt.Sprint(o.Seq))
	}
	return " ->" + strings.Join(parts, ",")
}
