package tap

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// maxMessage is more than the API sends in one: what is larger it does not copy.
const maxMessage = 64 << 20

// message is one of those that the API sends.
type message struct {
	Type      string          `json:"type"`
	Timestamp time.Time       `json:"timestamp"`
	Data      json.RawMessage `json:"data"`
}

// counts are what the API tells of what it does not send.
type counts struct {
	Reason    string `json:"reason"`
	Passed    uint64 `json:"passed"`
	Shown     uint64 `json:"shown"`
	Unsampled uint64 `json:"unsampled"`
	OverRate  uint64 `json:"over_rate"`
	Lost      uint64 `json:"lost"`
}

func (c counts) String() string {
	text := fmt.Sprintf("%d of the %d events that passed are shown", c.Shown, c.Passed)
	for _, left := range []struct {
		n   uint64
		why string
	}{{c.Unsampled, "left out by chance"}, {c.OverRate, "over the rate"}, {c.Lost, "lost, since this was too slow"}} {
		if left.n > 0 {
			text += fmt.Sprintf(", %d %s", left.n, left.why)
		}
	}
	return text
}

// counts takes over the counts of a message that has some.
func (m *message) counts(to *counts) error {
	if m.Type != "tap.counts" && m.Type != "tap.end" {
		return nil
	}
	return json.Unmarshal(m.Data, to)
}

// number takes over how many must have passed before an event.
func (m *message) number(to *counts) error {
	var e struct {
		Number uint64 `json:"number"`
	}
	err := json.Unmarshal(m.Data, &e)
	to.Passed = max(to.Passed, e.Number)
	return err
}

// read calls f for each message until the stream ends, and returns why it did: what
// the API has said, or "" when it has said nothing.
func read(stream io.Reader, f func(*message) error) (why string, err error) {
	lines := bufio.NewScanner(stream)
	lines.Buffer(make([]byte, 0, 64<<10), maxMessage)
	for lines.Scan() {
		text, ok := bytes.CutPrefix(lines.Bytes(), []byte("data: "))
		if !ok {
			continue // comments, and the ends of events
		}
		var m message
		if err := json.Unmarshal(text, &m); err != nil {
			return "", fmt.Errorf("the admin API sends what is no message: %w", err)
		}
		if err := f(&m); err != nil {
			return "", err
		}
		if m.Type == "tap.end" {
			var end counts
			err := m.counts(&end)
			return end.Reason, err
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return "", fmt.Errorf("the admin API sends a message of more than %d MiB", maxMessage>>20)
	}
	return "", nil // the connection has ended
}
