package outlet

import (
	"sync"

	"github.com/flowrun/flowrun/runtime/flow"
)

// room is memory for what waits in a queue for a moment, as most events do: it goes
// round among the queues. A nil *room has no memory.
type room struct {
	frames []flow.Frame // none
	data   []byte       // what the frames in the queue point to
}

// Of what waits longer, there is more: it gets memory of its own, which goes when it
// is written.
const (
	roomBytes  = 8 << 10
	roomFrames = 256
)

var rooms = sync.Pool{New: func() any { return &room{data: make([]byte, 0, roomBytes)} }}

// bytes is where to append about n bytes.
func (r *room) bytes(n int) *[]byte {
	if r == nil || len(r.data)+n > roomBytes {
		own := make([]byte, 0, n)
		return &own
	}
	return &r.data
}

// release gives the room to others, when nothing in it is needed any more: not the
// frames either, which have grown where it was.
func (r *room) release(frames []flow.Frame) {
	if r == nil || cap(frames) > roomFrames || cap(r.data) > 2*roomBytes {
		return
	}
	clear(frames)
	r.frames, r.data = frames[:0], r.data[:0]
	rooms.Put(r)
}
