package endpoint

import (
	"strings"
	"testing"
)

func TestURL(t *testing.T) {
	for _, tt := range []struct{ text, shown, addr string }{
		{"127.0.0.1:4242", "127.0.0.1:4242", "127.0.0.1:4242"},
		{"localhost:0", "localhost:0", "localhost:0"},
		{"ws://a:1/x/{id}", "ws://a:1/x/{id}", "a:1"},
		{"WSS://[::1]:8443", "wss://[::1]:8443", "[::1]:8443"},
		{"ws://u:p@a:1/x?token=t", "ws://u:(secret)@a:1/x?(secret)", "a:1"},
		{"ws://a/x", "ws://a/x", "a:-1"},
	} {
		var u URL
		if err := u.UnmarshalText([]byte(tt.text)); err != nil || u.String() != tt.shown || u.Addr() != tt.addr {
			t.Errorf("%s: %s, %s, %v", tt.text, u, u.Addr(), err)
		}
	}
	for _, text := range []string{"", "ws://", "a:b", "a:70000", "ws://a:1/#x", "ws://%zz", ":", "ws://u:hush@a:x/", "ws://u:hush#x@a:1/", "ws://u:x#hush@a:1/", "ws://u:hush/x@a:1/"} {
		var u URL
		if err := u.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is a URL: %s", text, u)
		} else if strings.Contains(err.Error(), "hush") {
			t.Errorf("%q: a secret is shown: %v", text, err)
		}
	}
	u := URL{Scheme: "wss", Host: "::1", Port: NoPort, Path: "/x", Query: "a=b"}
	if got := u.Reveal("wss"); got != "wss://[::1]/x?a=b" {
		t.Errorf("revealed as %s", got)
	}
	if got := u.OrPort(443).Reveal("wss"); got != "wss://[::1]:443/x?a=b" {
		t.Errorf("revealed as %s", got)
	}
}

func FuzzURL(f *testing.F) {
	for _, s := range []string{"ws://u:p@[::1]:1/x?y", "127.0.0.1:4242", "wss://a/x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var u URL
		if u.UnmarshalText([]byte(s)) == nil && u.Port > 65535 {
			t.Errorf("%q has port %d", s, u.Port)
		}
	})
}
