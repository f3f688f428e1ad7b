package preprocessors

import (
	"encoding/binary"
	"math"

	"github.com/flowrun/flowrun/runtime/flow"
)

var ingestTimeSpec = flow.Spec[flow.ProcessorConfig]{
	Name:    "ingest_time",
	Summary: "the time at which an event came stands before each message",
	Doc: `The time is a number of nanoseconds since 1970 in eight bytes, big endian: what Tremor's ` + "`ingest-ns`" + ` reads and writes.

Inwards, it is taken off a message and becomes the time at which its event came: for codecs that write it (` + "`date_key`" + `
of json, gelf, syslog, msgpack, bgp), windows of arrival, latencies, and for ` + "`ingest_time`" + ` on its way out. So an event keeps its time
through several processes. Whoever sends it is believed. A message that is shorter, or is said to have come after the year
2262, is lost and reported to ` + "`err`" + `.

Outwards, the time of the event is put before each message. On a stream of bytes another processor must mark the borders:
this one stands behind it inwards, and before it outwards.`,
	Example: `connector "tcp_server" "edge" {
  url            = "127.0.0.1:4242"
  preprocessors  = ["length_prefix", "ingest_time"]
  codec          = "json"
  postprocessors = ["ingest_time", "length_prefix"]
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
`,
	Config: func() flow.ProcessorConfig { return &ingestTime{} },
}

type ingestTime struct{}

func (*ingestTime) New() (in, out func() flow.Processor, err error) {
	return func() flow.Processor { return &timeReader{} }, func() flow.Processor { return &timeWriter{} }, nil
}

func (*ingestTime) Frames() bool { return false }
func (*ingestTime) Text() bool   { return false }

// timeSize is the bytes of a time.
const timeSize = 8

// timeReader is ingest_time inwards.
type timeReader struct{ came int64 }

func (r *timeReader) Process(p []byte, emit func([]byte) error) error {
	if len(p) < timeSize {
		return lose(p, "take the time off a message: its %d bytes are fewer than the %d of a time: check that its sender writes one before each message", len(p), timeSize)
	}
	ns := binary.BigEndian.Uint64(p)
	if ns > math.MaxInt64 {
		return lose(p, "take the time off a message: % x is no time before 2262, in nanoseconds since 1970 and big endian: check that its sender writes one before each message", p[:timeSize])
	}
	r.came = int64(ns)
	return emit(p[timeSize:])
}

func (r *timeReader) Finish(func([]byte) error) error { return nil }

// Came implements flow.Dated.
func (r *timeReader) Came() int64 { return r.came }

// timeWriter is ingest_time outwards.
type timeWriter struct {
	came int64
	buf  []byte
}

func (w *timeWriter) Process(p []byte, emit func([]byte) error) error {
	if w.came < 0 {
		return lose(p, "write the time of a message: its event came before 1970")
	}
	b := append(binary.BigEndian.AppendUint64(w.buf[:0], uint64(w.came)), p...)
	w.buf = reusable(b)
	return emit(b)
}

func (w *timeWriter) Finish(func([]byte) error) error { return nil }

// Date implements flow.Dater.
func (w *timeWriter) Date(came int64) { w.came = came }

// Stateless implements flow.Stateless.
func (*timeWriter) Stateless() {}
