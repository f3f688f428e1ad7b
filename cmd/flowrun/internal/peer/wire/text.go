package wire

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxExcerpt = 300 // bytes of a message in an error
	maxGlimpse = 120 // bytes of a message in a transcript
)

// String tells the message in one line.
func (m Message) String() string { return m.kind() + " " + Excerpt(m.Data) }

// Glimpse tells less of it, for transcripts.
func (m Message) Glimpse() string { return m.kind() + " " + Shorten(m.Data, maxGlimpse) }

func (m Message) kind() string {
	kind := "text"
	if m.Binary {
		kind = "binary"
	}
	if m.Compressed {
		kind += " (compressed)"
	}
	return kind
}

// Excerpt spells the beginning of bytes so that it stays in one line.
func Excerpt(p []byte) string { return Shorten(p, maxExcerpt) }

// Glimpse spells less of it.
func Glimpse(p []byte) string { return Shorten(p, maxGlimpse) }

// Shorten spells at most so many bytes.
func Shorten(p []byte, most int) string {
	more := ""
	if len(p) > most {
		more = fmt.Sprintf(" … (%d bytes)", len(p))
		whole := utf8.Valid(p)
		p = p[:most]
		for whole && !utf8.Valid(p) {
			p = p[:len(p)-1]
		}
	}
	s := string(p)
	switch {
	case !utf8.ValidString(s) || strings.ContainsFunc(s, isControl):
		return fmt.Sprintf("hex % x%s", p, more)
	case s == "" || strings.TrimSpace(s) != s || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }):
		return strconv.Quote(s) + more
	}
	return s + more
}

func isControl(r rune) bool { return r < ' ' && !strings.ContainsRune("\t\n\r", r) }
