package access

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// origins are the pages that may connect. Browsers send the Origin of the page
// that opens a WebSocket (RFC 6454), and let any page open one to any host: it
// is for the server to look.
type origins struct {
	any, self, null bool
	patterns        []originPattern
}

// originPattern is scheme://host:port, where the host may begin with "*." for
// the names below it, and the port may be "*".
type originPattern struct{ scheme, host, port string }

// parseOrigins reads the argument `origins`; left out, it means "self".
func parseOrigins(list []string) (o origins, err error) {
	if list == nil {
		return origins{self: true}, nil
	}
	for i, text := range list {
		switch text {
		case "*":
			o.any = true
		case "self":
			o.self = true
		case "null":
			o.null = true
		default:
			scheme, rest, ok := strings.Cut(text, "://")
			host, port := splitPort(strings.ToLower(rest))
			name := strings.TrimPrefix(host, "*.")
			if !ok || scheme == "" || name == "" || strings.ContainsAny(rest, "/?#@ ") || strings.Contains(name, "*") {
				return o, fieldError(fmt.Sprintf("origins[%d]", i), "%q is no origin: write scheme and host, like \"https://app.example.org\" or \"https://*.example.org\", or one of \"self\", \"null\" and \"*\"", text)
			}
			scheme = strings.ToLower(scheme)
			o.patterns = append(o.patterns, originPattern{scheme, host, withoutDefault(scheme, port)})
		}
	}
	return o, nil
}

// check refuses a request from a page that may not connect.
func (o *origins) check(r *http.Request) *Refusal {
	sent := r.Header["Origin"]
	if len(sent) == 0 || o.any {
		return nil
	}
	if len(sent) == 1 && o.allow(sent[0], r.Host) {
		return nil
	}
	return &Refusal{
		Status: http.StatusForbidden, Code: "origin_not_allowed",
		Message: "pages of this origin may not connect",
		Reason:  "the origin is not one of origins",
		Origin:  shown(sent),
	}
}

// longestShown is how many bytes of a refused Origin the log shows.
const longestShown = 100

// shown spells for the log what a client has sent as its Origin: scheme and host.
// That is any bytes, and could hold a user and a password, a path and a query, as no
// browser sends them.
func shown(sent []string) string {
	text := sent[0]
	if scheme, rest, ok := strings.Cut(text, "://"); ok {
		rest = rest[strings.LastIndexByte(rest, '@')+1:]
		if end := strings.IndexAny(rest, "/?#"); end >= 0 {
			rest = rest[:end]
		}
		text = scheme + "://" + rest
	}
	more := ""
	if len(text) > longestShown {
		text, more = text[:longestShown], "…"
	}
	if len(sent) > 1 {
		more += fmt.Sprintf(" and %d more", len(sent)-1)
	}
	return strings.Trim(strconv.QuoteToASCII(text), `"`) + more
}

func (o *origins) allow(origin, host string) bool {
	if origin == "null" {
		return o.null
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	if o.self && strings.EqualFold(u.Host, host) {
		return true
	}
	name, port := splitPort(strings.ToLower(u.Host))
	port = withoutDefault(u.Scheme, port)
	for _, p := range o.patterns {
		if p.scheme == u.Scheme && p.fits(name) && (p.port == port || p.port == "*") {
			return true
		}
	}
	return false
}

func (p *originPattern) fits(host string) bool {
	below, any := strings.CutPrefix(p.host, "*")
	if any {
		return len(host) > len(below) && strings.HasSuffix(host, below)
	}
	return host == p.host
}

// splitPort takes "host:port" apart; the host keeps the brackets of an IPv6
// address.
func splitPort(hostport string) (host, port string) {
	if i := strings.LastIndexByte(hostport, ':'); i > strings.LastIndexByte(hostport, ']') {
		return hostport[:i], hostport[i+1:]
	}
	return hostport, ""
}

// withoutDefault drops the port that the scheme implies: browsers leave it out.
func withoutDefault(scheme, port string) string {
	if scheme == "https" && port == "443" || scheme == "http" && port == "80" {
		return ""
	}
	return port
}
