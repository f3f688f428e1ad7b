package setting

import (
	"cmp"
	"time"
)

// Queue bounds what waits for one connection that is not ready to take it.
type Queue struct {
	MaxEvents    int      `hcl:"max_events" min:"1" doc:"messages that may wait"`
	MaxBytes     Size     `hcl:"max_bytes" min:"1B" doc:"bytes that may wait"`
	Overflow     string   `hcl:"overflow" oneof:"disconnect|drop_oldest|drop_newest|block" doc:"what happens when one more comes"`
	WriteTimeout Duration `hcl:"write_timeout" min:"1ms" doc:"how long one write may take before the connection is given up"`
}

// ClientQueue is the block `queue` of a connector that has one connection at a time:
// what it holds outlives the connection, and where it is persistent, the process.
type ClientQueue struct {
	MaxEvents    int      `hcl:"max_events" min:"1" doc:"messages that may wait, and those that are sent but not confirmed; 1024 when not given, and 1000000 when persistent"`
	MaxBytes     Size     `hcl:"max_bytes" min:"1B" doc:"bytes that may wait, with persistent on the disk; 1MiB when not given, and 1GiB when persistent"`
	Overflow     string   `hcl:"overflow" oneof:"disconnect|drop_oldest|drop_newest|block" doc:"what happens when one more comes. Where persistent or confirm = \"pong\" keep events, what is dropped goes to the err port, and disconnect is no choice"`
	WriteTimeout Duration `hcl:"write_timeout" min:"1ms" doc:"how long one write may take before the connection is given up"`
	Persistent   Path     `hcl:"persistent" doc:"a directory of this queue alone, in which events wait on the disk: one is acknowledged to its source when it is there, and removed when it is confirmed. It is made when it is missing; the folder that it is in must exist. Without it, the queue is in memory"`
	Confirm      string   `hcl:"confirm" oneof:"write|pong" doc:"when an event leaves the queue: write when it was handed to the connection, pong when the peer has answered a ping that was sent after it. What was not confirmed when a connection is lost is sent again by the next one. When not given: pong where the peer can be asked, for a queue that is persistent, or that has a max_events or max_bytes and blocks; write for others"`
	Linger       Duration `hcl:"linger" doc:"with persistent: how long a process that is told to end goes on with what the peer has not confirmed; the rest stays on the disk for the next start"`
}

// DefaultLinger is how long who is told to end goes on with a queue on the disk.
const DefaultLinger = Duration(time.Second)

// DefaultClientQueue returns the defaults of ClientQueue.
func DefaultClientQueue() ClientQueue {
	return ClientQueue{Overflow: "block", WriteTimeout: Duration(10 * time.Second), Linger: DefaultLinger}
}

// Defaults of what depends on where the queue is.
const (
	memoryEvents, memoryBytes = 1024, Size(1 << 20)
	diskEvents, diskBytes     = 1_000_000, Size(1 << 30)
)

// Bounds are what the queue has in common with others.
func (q *ClientQueue) Bounds() *Queue {
	events, bytes := memoryEvents, memoryBytes
	if q.Persistent != "" {
		events, bytes = diskEvents, diskBytes
	}
	return &Queue{
		MaxEvents:    cmp.Or(q.MaxEvents, events),
		MaxBytes:     cmp.Or(q.MaxBytes, bytes),
		Overflow:     q.Overflow,
		WriteTimeout: q.WriteTimeout,
	}
}

// Keep says how the queue keeps events; nil where it does not, and they leave it
// when they are written. confirms says that the peer can be asked what has arrived.
func (q *ClientQueue) Keep(confirms bool) *Keep {
	pong := q.Confirm == "pong" || q.Confirm == "" && confirms && q.mustArrive()
	if q.Persistent == "" && !pong {
		return nil
	}
	return &Keep{Dir: string(q.Persistent), Pong: pong, Linger: time.Duration(q.Linger)}
}

// mustArrive reports whether who wrote the block has thought of what waits in it, and
// wants none of it lost.
func (q *ClientQueue) mustArrive() bool {
	return q.Persistent != "" || q.Overflow == "block" && (q.MaxEvents > 0 || q.MaxBytes > 0)
}

// Keep is how a queue keeps events until they are confirmed.
type Keep struct {
	Dir   string // where they are on the disk; "" in memory
	Pong  bool   // the peer confirms them, by a [Confirmer]; else the writer, by having taken them
	Ahead int    // how many an [Asker] is given at a time
	// Linger is how long who is told to end waits for the peer to confirm what is on the
	// disk, and once more for what it has been sent.
	Linger time.Duration
}
