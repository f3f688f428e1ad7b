package access

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// from are the places in a request where a token may be, the first one first.
type from []place

type place struct{ kind, name string }

// bearerProtocol begins the sub-protocol that carries a token: what a browser
// can send without a query, since it cannot send headers.
const bearerProtocol = "bearer."

func parseFrom(list []string) (f from, err error) {
	if len(list) == 0 {
		return nil, fieldError("from", "from is empty: say where the token is, like from = [\"header\"]")
	}
	for i, text := range list {
		kind, name, named := strings.Cut(text, ":")
		switch {
		case (kind == "header" || kind == "subprotocol") && !named:
		case (kind == "query" || kind == "cookie") && name != "":
		default:
			return nil, fieldError(fmt.Sprintf("from[%d]", i), "%q is no place of a token: write \"header\", \"query:NAME\", \"cookie:NAME\" or \"subprotocol\"", text)
		}
		f = append(f, place{kind, name})
	}
	return f, nil
}

// find returns the token that r carries. The first place that has something is
// the only one that counts: a wrong header is not made good by a right query.
func (f from) find(r *http.Request) (token string, refusal *Refusal) {
	for _, p := range f {
		values := p.values(r)
		switch {
		case len(values) > 1:
			return "", invalid("there are several tokens in the "+p.kind, bearerChallenge)
		case len(values) == 1 && values[0] == "":
			return "", invalid("the token in the "+p.kind+" is empty or of another kind", bearerChallenge)
		case len(values) == 1:
			return values[0], nil
		}
	}
	return "", missing("there is no token", bearerChallenge)
}

const bearerChallenge = `Bearer`

func (p place) values(r *http.Request) (values []string) {
	switch p.kind {
	case "header":
		for _, h := range r.Header["Authorization"] {
			values = append(values, bearer(h))
		}
	case "query":
		for pair := range strings.SplitSeq(r.URL.RawQuery, "&") {
			if key, value, _ := strings.Cut(pair, "="); p.isKey(key) {
				value, _ = url.QueryUnescape(value)
				values = append(values, value)
			}
		}
	case "cookie":
		for c := range cookies(r) {
			if name, value, _ := strings.Cut(c, "="); name == p.name {
				values = append(values, strings.Trim(value, `"`))
			}
		}
	case "subprotocol":
		for s := range subprotocols(r) {
			if token, ok := strings.CutPrefix(s, bearerProtocol); ok {
				values = append(values, token)
			}
		}
	}
	return values
}

// bearer is the token in an Authorization header: "Bearer T", or T alone.
func bearer(header string) string {
	scheme, token, ok := strings.Cut(strings.TrimSpace(header), " ")
	switch {
	case !ok:
		return scheme
	case strings.EqualFold(scheme, "bearer"):
		return strings.TrimSpace(token)
	}
	return ""
}

func (p place) isKey(key string) bool {
	if key == p.name {
		return true
	}
	plain, err := url.QueryUnescape(key)
	return err == nil && plain == p.name
}

// conceal removes the tokens, and what stands in their places, from r.
func (f from) conceal(r *http.Request) {
	for _, p := range f {
		switch p.kind {
		case "header":
			r.Header.Del("Authorization")
		case "query":
			r.URL.RawQuery = without(strings.SplitSeq(r.URL.RawQuery, "&"), "&", func(pair string) bool {
				key, _, _ := strings.Cut(pair, "=")
				return p.isKey(key)
			})
			r.RequestURI = r.URL.RequestURI()
		case "cookie":
			setOrDelete(r.Header, "Cookie", without(cookies(r), "; ", func(c string) bool {
				name, _, _ := strings.Cut(c, "=")
				return name == p.name
			}))
		case "subprotocol":
			setOrDelete(r.Header, "Sec-Websocket-Protocol", without(subprotocols(r), ", ", func(s string) bool {
				return strings.HasPrefix(s, bearerProtocol)
			}))
		}
	}
}
