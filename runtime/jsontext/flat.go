package jsontext

import (
	"bytes"
	"strings"
)

// maxFlat is how often findFlat looks for a key before it gives up: what stands
// everywhere in a text is found sooner by reading it.
const maxFlat = 8

// findFlat is findKey for most messages: objects with no object in them, spelled
// without escapes. What stands in quotes before a colon there is a key of b, so
// the key is searched for as bytes, which takes a fraction of the time of going
// through the parts. It is not sure where b or the key are not like that.
func findFlat(b []byte, key string) (found []byte, sure bool) {
	if bytes.IndexByte(b[1:], '{') >= 0 || bytes.IndexByte(b, '\\') >= 0 || !inQuotes(key) {
		return nil, false
	}
	inside := shared(b[:len(b)-1])
	i := 1
	for range maxFlat {
		at := strings.Index(inside[i:], key)
		if at < 0 {
			return found, true
		}
		start := i + at
		i = start + len(key)
		if b[start-1] != '"' || b[i] != '"' {
			continue
		}
		if colon := skipSpace(b, i+1); b[colon] == ':' {
			start = skipSpace(b, colon+1)
			i = skipValue(b, start)
			found = b[start:i:i]
		}
	}
	return nil, false
}

// inQuotes reports whether key, where it stands between two quotes, is a string:
// what stands between two strings has a comma or a colon.
func inQuotes(key string) bool {
	for i := range len(key) {
		if c := key[i]; c == '"' || c == ',' || c == ':' {
			return false
		}
	}
	return key != ""
}
