package runner

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// TestProgressFits: a line that a terminal has to break could not be taken back.
func TestProgressFits(t *testing.T) {
	for _, width := range []int{0, 1, 20, 200} {
		var out strings.Builder
		p := &Printer{Out: &out, Terminal: true, Width: func() int { return width }}
		p.Begin(2)
		p.Started("grüße/eine_lange_geschichte")
		p.Started("grüße/noch_eine")
		lines := strings.Split(out.String(), "\r\x1b[K")
		if last := lines[len(lines)-1]; utf8.RuneCountInString(last) > max(width-1, 1) || width > 100 && !strings.HasSuffix(last, "/noch_eine") {
			t.Errorf("width %d: %q", width, last)
		}
	}
}
