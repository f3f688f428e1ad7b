package credentials

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestHide(t *testing.T) {
	var s Secrets
	s.Add("abcd", "abcdef", "abc") // the last one is in any text
	s.AddRequest(&url.URL{RawQuery: "token=a%20b%20c"}, http.Header{"Authorization": {"Basic dTpw"}, "X-Key": {"hush"}})
	for text, want := range map[string]string{
		"abcdef, abcdxy, abc":                       "(secret), (secret)xy, abc",
		"GET /?token=a%20b%20c with hush and a b c": "GET /?(secret) with (secret) and (secret)",
		"Basic dTpw, or dTpw":                       "(secret), or (secret)",
		strings.Repeat("x", 301):                    strings.Repeat("x", 300) + "…",
	} {
		if got := s.Hide(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}
