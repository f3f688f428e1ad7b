package credentials

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Secrets are texts that are shown to nobody, also where a server repeats them.
type Secrets []string

// Sizes in bytes. shortest is of a text that can be a secret: shorter ones are in any
// text; maxShown bounds what is shown of what others have said.
const (
	shortest = 4
	maxShown = 300
)

// Add adds texts.
func (s *Secrets) Add(texts ...string) {
	for _, text := range texts {
		if len(text) >= shortest {
			*s = append(*s, text)
		}
	}
}

// AddRequest adds what may be secret in a request: its query, and the values of its
// header fields.
func (s *Secrets) AddRequest(u *url.URL, h http.Header) {
	s.Add(u.RawQuery)
	for _, values := range u.Query() {
		s.Add(values...)
	}
	for _, values := range h {
		s.Add(values...)
	}
	if _, secret, ok := strings.Cut(h.Get("Authorization"), " "); ok {
		s.Add(secret)
	}
}

// Hide takes the secrets out of a text that somebody else has made, and what makes it
// too long to be shown.
func (s Secrets) Hide(text string) string {
	longest := slices.SortedFunc(slices.Values(s), func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	for _, secret := range longest {
		text = strings.ReplaceAll(text, secret, "(secret)")
	}
	if len(text) > maxShown {
		text = text[:maxShown] + "…"
	}
	return text
}
