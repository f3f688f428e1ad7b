package access

import (
	"iter"
	"net/http"
	"strings"
)

// cookies yields the cookies of r, spelled name=value.
func cookies(r *http.Request) iter.Seq[string] { return elements(r.Header["Cookie"], ";") }

// subprotocols yields the sub-protocols that r offers.
func subprotocols(r *http.Request) iter.Seq[string] {
	return elements(r.Header["Sec-Websocket-Protocol"], ",")
}

// elements yields what stands between separators in the lines of a field.
func elements(lines []string, sep string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, line := range lines {
			for e := range strings.SplitSeq(line, sep) {
				if e = strings.TrimSpace(e); e != "" && !yield(e) {
					return
				}
			}
		}
	}
}

// without joins the elements that are not dropped.
func without(list iter.Seq[string], sep string, drop func(string) bool) string {
	var kept []string
	for e := range list {
		if !drop(e) {
			kept = append(kept, e)
		}
	}
	return strings.Join(kept, sep)
}

func setOrDelete(h http.Header, key, value string) {
	if value == "" {
		delete(h, key)
		return
	}
	h[key] = []string{value}
}
