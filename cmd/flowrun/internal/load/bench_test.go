package load

import (
	"bytes"
	"io"
	"testing"
)

// loop says the same again and again.
type loop struct {
	text []byte
	at   int
}

func (l *loop) Read(p []byte) (int, error) {
	n := copy(p, l.text[l.at:])
	l.at = (l.at + n) % len(l.text)
	return n, nil
}

// BenchmarkClient puts a message together and hears its answer, as a client
// does for each with many in flight.
func BenchmarkClient(b *testing.B) {
	answer := append([]byte{0x81, 40}, bytes.Repeat([]byte("x"), 40)...)
	m := compileAll([]string{string(answer[2:])})
	r := &run{o: &Options{Mode: Receive}, opcode: 1, messages: m}
	c := &client{frames: &frames{Conn: tape{Reader: io.Reader(&loop{text: bytes.Repeat(answer, 64)})}, buf: make([]byte, 64*len(answer))}, run: r}
	c.source = c
	b.ReportAllocs()
	for b.Loop() {
		c.out = c.out[:0]
		for seq := range int64(64) {
			c.put(seq)
		}
		if err := c.hear(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(c.heard.Load()), "ns/message")
}
