package load

import (
	"bytes"
	"fmt"
	"strings"
)

// What a message may hold: the number of its connection and its own number on
// that connection, counted from 0, as so many digits. Messages that carry them
// differ, so that a lost, repeated or misdirected one is seen.
const (
	connMark, connDigits = "{conn}", 5
	seqMark, seqDigits   = "{seq}", 10
)

// DefaultMessage is sent when nothing else is asked for: 143 bytes of JSON and
// the newline that a server which reads lines waits for.
const DefaultMessage = `{"conn":"{conn}","seq":"{seq}","symbol":"EURUSD","price":1.08342,"size":250000,` +
	`"side":"buy","venue":"XTKS","tags":["a","b"],"note":"01234"}` + "\n"

// Sized returns a message of so many bytes, or an error when they are too few
// for the numbers in it.
func Sized(size int) (string, error) {
	const head, tail = `{"conn":"{conn}","seq":"{seq}","note":"`, "\"}\n"
	least := len(head) - len(connMark) + connDigits - len(seqMark) + seqDigits + len(tail)
	if size < least || size > maxMessage {
		return "", fmt.Errorf("a message of %d bytes cannot be made: from %d to %d bytes can", size, least, maxMessage)
	}
	return head + strings.Repeat("x", size-least) + tail, nil
}

// text is one message with the places of its numbers.
type text struct {
	body      []byte
	conn, seq []int
}

func compile(template string) text {
	var t text
	for rest := template; ; {
		before, after, found := strings.Cut(rest, "{")
		t.body = append(t.body, before...)
		if !found {
			return t
		}
		switch {
		case strings.HasPrefix("{"+after, connMark):
			t.conn = append(t.conn, len(t.body))
			t.body = append(t.body, strings.Repeat("0", connDigits)...)
			after = after[len(connMark)-1:]
		case strings.HasPrefix("{"+after, seqMark):
			t.seq = append(t.seq, len(t.body))
			t.body = append(t.body, strings.Repeat("0", seqDigits)...)
			after = after[len(seqMark)-1:]
		default:
			t.body = append(t.body, '{')
		}
		rest = after
	}
}

// texts are sent in turn, by every connection.
type texts []text

func compileAll(templates []string) texts {
	all := make(texts, len(templates))
	for i, t := range templates {
		all[i] = compile(t)
	}
	return all
}

// longest is the size of the longest message.
func (t texts) longest() int {
	n := 0
	for i := range t {
		n = max(n, len(t[i].body))
	}
	return n
}

// append appends message seq of a connection to dst.
func (t texts) append(dst []byte, conn int, seq int64) []byte {
	m := &t[0]
	if len(t) > 1 {
		m = &t[seq%int64(len(t))]
	}
	start := len(dst)
	dst = append(dst, m.body...)
	for _, at := range m.conn {
		putDigits(dst[start+at:][:connDigits], int64(conn))
	}
	for _, at := range m.seq {
		putDigits(dst[start+at:][:seqDigits], seq)
	}
	return dst
}

func putDigits(dst []byte, n int64) {
	for i := len(dst) - 1; n > 0 && i >= 0; i-- {
		dst[i] = byte('0' + n%10)
		n /= 10
	}
}

// Lines splits a text into messages, one a line, without the ends of the
// lines; empty lines are none.
func Lines(content []byte) []string {
	var all []string
	for line := range bytes.Lines(content) {
		if line = bytes.TrimRight(line, "\r\n"); len(line) > 0 {
			all = append(all, string(line))
		}
	}
	return all
}
