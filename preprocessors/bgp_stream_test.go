package preprocessors

import (
	"strings"
	"testing"
)

func TestBGPStream(t *testing.T) {
	marker := strings.Repeat("\xff", 16)
	for _, test := range []struct {
		format   string
		messages []string
	}{
		{"raw", []string{marker + "\x00\x13\x04", marker + "\x00\x17\x02\x00\x00\x00\x00"}},
		{"mrt", []string{"\x00\x00\x00\x01\x00\x11\x00\x04\x00\x00\x00\x05hello", "\x00\x00\x00\x01\x00\x11\x00\x04\x00\x00\x00\x00"}},
		{"bmp", []string{"\x03\x00\x00\x00\x08\x00hi", "\x03\x00\x00\x00\x06\x04"}},
		{"obmp", []string{"OBMP\x01\x07\x00\x0e\x00\x00\x00\x02xxhi", "OBMP\x01\x07\x00\x0c\x00\x00\x00\x00"}},
	} {
		config := &bgpStream{Format: test.format, MaxLength: 40}
		stream := strings.Join(test.messages, "")
		for seed := range uint64(24) {
			in, _ := sides(t, config)
			diff(t, result{messages: test.messages}, run(t, in, rechunk([]byte(stream), seed)...))
		}
		in, out := sides(t, config)
		diff(t, result{messages: test.messages}, run(t, out, []byte(test.messages[0]), []byte(test.messages[1])))
		cut := test.messages[0][:len(test.messages[0])-1]
		diff(t, result{lost: []string{cut}}, run(t, in, []byte(cut)))
		diff(t, result{lost: []string{cut, stream}}, run(t, out, []byte(cut), []byte(stream)))
		if test.format != "mrt" {
			diff(t, result{messages: test.messages[:1], lost: []string{"no such thing as a header"}}, run(t, in, []byte("no such thing as a header"), []byte(test.messages[0])))
		}
	}
	config := &bgpStream{Format: "bmp", MaxLength: 8}
	in, _ := sides(t, config)
	diff(t, result{messages: []string{"\x03\x00\x00\x00\x06\x04"}, lost: []string{"\x03\x00\x00\x00\x09\x00abc"}},
		run(t, in, []byte("\x03\x00\x00\x00\x09\x00abc\x03\x00\x00\x00\x06\x04")))
}

func TestSeparateComments(t *testing.T) {
	in, _ := sides(t, newSeparate(func(c *separate) { c.Comment = "#"; c.SkipEmpty = true; c.TrimCR = true }))
	diff(t, result{messages: []string{"a", " #b"}}, run(t, in, []byte("#x\na\n\r\n#\n #b\n#end")))
}
