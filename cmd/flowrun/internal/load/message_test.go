package load

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMessages(t *testing.T) {
	tests := []struct {
		templates []string
		conn      int
		seq       int64
		want      string
	}{
		{[]string{"plain"}, 1, 2, "plain"},
		{[]string{""}, 1, 2, ""},
		{[]string{"{conn}/{seq}/{conn}"}, 42, 1234567, "00042/0001234567/00042"},
		{[]string{`{"a":{conn},"{b}":"{seq"}{`}, 7, 0, `{"a":00007,"{b}":"{seq"}{`},
		{[]string{"a{seq}", "b", "c"}, 0, 3, "a0000000003"},
		{[]string{"a{seq}", "b", "c"}, 0, 5, "c"},
		{[]string{DefaultMessage}, 42, 1234, strings.NewReplacer(connMark, "00042", seqMark, "0000001234").Replace(DefaultMessage)},
	}
	for _, tt := range tests {
		if got := compileAll(tt.templates).append([]byte(">"), tt.conn, tt.seq); string(got) != ">"+tt.want {
			t.Errorf("message %d of connection %d of %q is %q, not %q", tt.seq, tt.conn, tt.templates, got[1:], tt.want)
		}
	}
	if n := compileAll([]string{DefaultMessage}).longest(); n != 144 {
		t.Errorf("the default message has %d bytes", n)
	}
}

func TestSized(t *testing.T) {
	for _, size := range []int{46, 47, 1000, 1 << 20} {
		m, err := Sized(size)
		if err != nil {
			t.Error(err)
		} else if n := compileAll([]string{m}).longest(); n != size {
			t.Errorf("a message of %d bytes has %d", size, n)
		}
	}
	for _, size := range []int{-1, 45, maxMessage + 1} {
		if _, err := Sized(size); err == nil {
			t.Errorf("there is a message of %d bytes", size)
		}
	}
}

func TestLines(t *testing.T) {
	got := Lines([]byte("one\ntwo\r\n\n three \nfour"))
	if diff := cmp.Diff([]string{"one", "two", " three ", "four"}, got); diff != "" {
		t.Error(diff)
	}
}
