package flow

import (
	"bufio"
	"maps"
	"net"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
)

// WireHeader spells header fields in the form that Peer.Header keeps: one
// string instead of a map, since most connections are never asked for it.
func WireHeader(h http.Header) string {
	var b strings.Builder
	_ = h.Write(&b) // a strings.Builder does not fail
	return b.String()
}

// HeaderFields are the request's header fields, not to be changed.
func (p *Peer) HeaderFields() http.Header {
	if p.Fields != nil {
		return p.Fields
	}
	r := textproto.NewReader(bufio.NewReader(strings.NewReader(p.Header + "\r\n")))
	h, _ := r.ReadMIMEHeader() // written by WireHeader
	return http.Header(h)
}

// firstValues shows header fields or query parameters as an object, in the
// order of their names; of several values of one name the first counts.
func firstValues(m map[string][]string, spell func(string) string) Value {
	o := NewObject(len(m))
	for _, k := range sortedKeys(m) {
		if len(m[k]) > 0 {
			o.Set(spell(k), TextOf(m[k][0]))
		}
	}
	return MapOf(o)
}

func asIs(name string) string { return name }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func textOrNull(s string) Value {
	if s == "" {
		return NullValue
	}
	return TextOf(s)
}

func joinHostPort(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }
