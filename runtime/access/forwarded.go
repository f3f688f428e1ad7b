package access

import "strings"

// lastForwarded takes the last element from a Forwarded line (RFC 7239 section
// 4) and returns the node of its `for`; "unknown" where it has none. Commas
// inside quotes are part of a value. It reads from the right: a quote that the
// client has opened, and never closed, must not swallow what a proxy added.
func lastForwarded(line string) (rest, node string) {
	quoted := false
	for start := len(line); start > 0; start-- {
		switch c := line[start-1]; {
		case c == '"' && !escaped(line[:start-1]):
			quoted = !quoted
		case c == ',' && !quoted:
			return line[:start-1], forOf(line[start:])
		}
	}
	return "", forOf(line)
}

// escaped reports whether the character behind s has a backslash before it that
// is not itself escaped.
func escaped(s string) bool { return (len(s)-len(strings.TrimRight(s, `\`)))%2 == 1 }

// forOf is the value of `for` in an element, "unknown" where it has none, and ""
// where there is no element.
func forOf(element string) string {
	if strings.TrimSpace(element) == "" {
		return ""
	}
	for element != "" {
		var pair string
		pair, element = cutUnquoted(element, ';')
		name, value, ok := strings.Cut(pair, "=")
		if ok && strings.EqualFold(strings.TrimSpace(name), "for") {
			return unquote(strings.TrimSpace(value))
		}
	}
	return "unknown"
}

// cutUnquoted is strings.Cut at a separator that stands outside of quotes.
func cutUnquoted(s string, sep byte) (before, after string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == sep && !quoted:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

// unquote reads a token or quoted-string (RFC 9110 section 5.6.4).
func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	s = s[1 : len(s)-1]
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
