package tap

import (
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
)

// Event is a copy of an event that passed.
type Event struct {
	Number   uint64    // counts those that passed, from 1
	Seen     time.Time // when it passed
	Size     int       // of its payload in bytes: about, of one that is decoded; at least, of one that is too large
	TooLarge bool      // it is more than is wanted: neither payload nor meta are here
	event    flow.Event
}

// copyOf copies e, or what can be said of it when it is larger than most.
func copyOf(e *flow.Event, now time.Time, most int) Event {
	c := Event{Seen: now}
	room := take(most, flow.MapOf(e.Meta.Said))
	room = take(room, flow.MapOf(e.Meta.Wrote))
	if e.Raw != nil {
		c.Size = len(e.Raw)
		room -= len(e.Raw)
	} else {
		before := room
		room = take(room, e.Value)
		c.Size = before - room
	}
	if room < 0 {
		c.TooLarge = true
		c.event = flow.Event{Origin: e.Origin, Time: e.Time}
		return c
	}
	c.event = e.Held()
	return c
}

// overhead is about what a value takes in the text that is made of it.
const overhead = 8

// take returns what is left of room beside v, and looks no further at v when that
// is less than nothing.
func take(room int, v flow.Value) int {
	if raw, _, ok := v.Encoded(); ok {
		return room - len(raw)
	}
	room -= overhead + len(v.Text()) + len(v.Bytes())
	for _, x := range v.List() {
		if room < 0 {
			return room
		}
		room = take(room, x)
	}
	for _, f := range v.Object().Fields() {
		if room < 0 {
			return room
		}
		room = take(room-len(f.Key), f.Value)
	}
	return room
}

// maxOrigins is how many connections are named of an event that came from many.
const maxOrigins = 16

// Append appends the event as it is shown, in one line of JSON:
//
//	number     which of those that passed: what is missing between two was left out
//	time       when the event came into the process; RFC 3339
//	size       of the payload in bytes; of one that is decoded, about
//	too_large  true when it is more than is wanted; then event and meta are null
//	event      the payload
//	encoding   "base64" where the payload is bytes
//	meta, peer as the flow sees them; peer is null where no single connection is known
//	origins    then, the ids of those that contributed
//	problem    why there is no event: JSON cannot spell it
func (e *Event) Append(dst []byte, r *Redaction) []byte {
	data := e.data(r)
	text, err := jsontext.Append(dst, flow.MapOf(data), false)
	if err == nil {
		return text
	}
	data.Set("event", flow.NullValue)
	data.Set("meta", flow.NullValue)
	data.Set("problem", flow.TextOf(err.Error()))
	text, _ = jsontext.Append(dst, flow.MapOf(data), false) // of what is left all can be spelled
	return text
}

func (e *Event) data(r *Redaction) *flow.Object {
	o := flow.ObjectOf(
		flow.Field{Key: "number", Value: flow.IntOf(int64(e.Number))},
		flow.Field{Key: "time", Value: timeOf(e.event.Time)},
		flow.Field{Key: "size", Value: flow.IntOf(int64(e.Size))},
	)
	if e.TooLarge {
		o.Set("too_large", flow.BoolOf(true))
	}
	payload, err := e.event.Payload()
	if err != nil { // its codec has accepted it
		payload = flow.NullValue
	}
	o.Set("event", r.payload(payload))
	if payload.Kind() == flow.Bytes {
		o.Set("encoding", flow.TextOf("base64")) // as JSON spells bytes
	}
	o.Set("meta", r.meta(flow.MapOf(e.event.MetaValue())))
	o.Set("peer", r.peer(e.event.Origin))
	if from := e.event.Origin; from != nil && len(from.Union) > 0 {
		var ids []flow.Value
		for _, one := range from.Union[:min(len(from.Union), maxOrigins)] {
			ids = append(ids, flow.TextOf(one.ID()))
		}
		o.Set("origins", flow.ListOf(ids))
	}
	return o
}

func timeOf(nanoseconds int64) flow.Value {
	if nanoseconds == 0 {
		return flow.NullValue
	}
	return flow.TextOf(time.Unix(0, nanoseconds).UTC().Format(time.RFC3339Nano))
}
