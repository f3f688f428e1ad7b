package jsontext

// Parts walks through a list or an object that was checked, part by part, and
// decodes none of them:
//
//	for p := jsontext.PartsOf(raw); p.Next(); {
//		… p.Key, p.Raw
//	}
//
// Where a key is there twice, it passes both values; the last one counts.
// Nothing is allocated, but for keys that have escapes.
type Parts struct {
	Key string // of the part that Next went to, in an object; it may share the text's memory
	Raw []byte // the text of that part

	b  []byte
	at int // of the part that comes next, or of the bracket that closes
}

// PartsOf is before the first part of raw. There is none where raw is neither a
// list nor an object.
func PartsOf(raw []byte) Parts {
	if len(raw) == 0 || raw[0] != '[' && raw[0] != '{' {
		return Parts{}
	}
	return Parts{b: raw, at: skipSpace(raw, 1)}
}

// Next goes to the next part and reports whether there is one.
func (p *Parts) Next() bool {
	i := p.at
	if i >= len(p.b) || p.b[i] == ']' || p.b[i] == '}' {
		return false
	}
	if p.b[0] == '{' {
		end, escaped := textEnd(p.b, i+1)
		if escaped {
			p.Key = unescape(p.b[i+1 : end])
		} else {
			p.Key = shared(p.b[i+1 : end])
		}
		i = skipSpace(p.b, end+1) // the colon
		i = skipSpace(p.b, i+1)
	}
	end := skipValue(p.b, i)
	p.Raw = p.b[i:end:end]
	if p.at = skipSpace(p.b, end); p.b[p.at] == ',' {
		p.at = skipSpace(p.b, p.at+1)
	}
	return true
}
