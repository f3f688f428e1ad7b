package call

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/flowrun/flowrun/runtime/endpoint"
	"github.com/flowrun/flowrun/runtime/flow"
)

// Target is where requests go. Scheme, host and port are always those of the
// configuration: an event decides about a part of the path, or of the query, and
// nothing that it holds is read as more than that.
type Target struct {
	base  url.URL // that of requests about which an event says nothing
	parts []part  // of the path; nil where it has no parameters
	names []string
	own   url.Values // the query
}

// part is a piece of a path: text that stands, or a parameter.
type part struct {
	text string // escaped
	name string
	rest bool // the parameter may have slashes: all the rest of the path
}

// NewTarget reads a URL, of which scheme is that of its protocol: http or https.
func NewTarget(u endpoint.URL, scheme string) (*Target, error) {
	pieces := strings.Split(strings.TrimPrefix(u.Path, "/"), "/")
	if err := checkParams(pieces); err != nil {
		return nil, err
	}
	base, err := url.Parse(u.Reveal(scheme))
	if err != nil {
		return nil, errors.New("the URL cannot be spelled")
	}
	if base.Path == "" {
		base.Path = "/"
	}
	t := &Target{base: *base, names: endpoint.Params(u.Path), own: base.Query()}
	if slices.Contains(t.names, "$") {
		return nil, errors.New("a parameter has a name, like /rooms/{id}")
	}
	if len(t.names) == 0 {
		return t, nil
	}
	for _, piece := range pieces {
		p := part{text: (&url.URL{Path: "/" + piece}).EscapedPath()}
		if inner, ok := strings.CutPrefix(piece, "{"); ok {
			p = part{text: "/"}
			p.name, p.rest = strings.CutSuffix(strings.TrimSuffix(inner, "}"), "...")
		}
		t.parts = append(t.parts, p)
	}
	return t, nil
}

// checkParams reports what is wrong with the parameters of a path; the rest of it may
// be anything.
func checkParams(pieces []string) error {
	var path strings.Builder
	for _, piece := range pieces {
		if !strings.ContainsAny(piece, "{}") {
			piece = "x"
		}
		path.WriteString("/" + piece)
	}
	return endpoint.CheckPath(path.String())
}

// URL is where one request goes: params give a value to each parameter of the path,
// and query adds to the query; both may be nil. It is not to be changed.
func (t *Target) URL(params, query *flow.Object) (*url.URL, error) {
	if t.parts == nil && params.Len() == 0 && query.Len() == 0 {
		return &t.base, nil
	}
	u := t.base
	for _, f := range params.Fields() {
		if !slices.Contains(t.names, f.Key) {
			return nil, fmt.Errorf("the url has no parameter {%s}", f.Key)
		}
	}
	if t.parts != nil {
		path, err := t.path(params)
		if err != nil {
			return nil, err
		}
		u.RawPath = path
		if u.Path, err = url.PathUnescape(path); err != nil {
			return nil, err
		}
	}
	more, err := t.query(query)
	if err != nil {
		return nil, err
	}
	if more != "" && u.RawQuery != "" {
		more = "&" + more
	}
	u.RawQuery += more
	return &u, nil
}

func (t *Target) path(params *flow.Object) (string, error) {
	var b strings.Builder
	for _, p := range t.parts {
		b.WriteString(p.text)
		if p.name == "" {
			continue
		}
		v, _ := params.Get(p.name)
		text, ok := spell(v)
		if !ok {
			return "", fmt.Errorf("the parameter {%s} of the url is a string, an integer or a bool, not %s", p.name, v.Kinds())
		}
		pieces := strings.Split(text, "/")
		if text == "" && !p.rest || slices.Contains(pieces, ".") || slices.Contains(pieces, "..") { // many servers look for these in what they have unescaped
			return "", fmt.Errorf("the parameter {%s} of the url cannot be %q: it would lead to another path", p.name, text)
		}
		if !p.rest {
			pieces = []string{text}
		}
		for i, piece := range pieces {
			if i > 0 {
				b.WriteByte('/')
			}
			b.WriteString(url.PathEscape(piece))
		}
	}
	return b.String(), nil
}

func (t *Target) query(more *flow.Object) (string, error) {
	if more.Len() == 0 {
		return "", nil
	}
	q := url.Values{}
	for _, f := range more.Fields() {
		if t.own.Has(f.Key) {
			return "", fmt.Errorf("the query parameter %q belongs to the url, and an event cannot set it", f.Key)
		}
		values := []flow.Value{f.Value}
		switch f.Value.Kind() {
		case flow.Null:
			continue
		case flow.List:
			values = f.Value.List()
		}
		for _, v := range values {
			text, ok := spell(v)
			if !ok {
				return "", fmt.Errorf("the query parameter %q is a string, an integer, a bool, or a list of them, not %s", f.Key, v.Kinds())
			}
			q.Add(f.Key, text)
		}
	}
	return q.Encode(), nil
}

// spell writes a value as it stands in a URL.
func spell(v flow.Value) (string, bool) {
	switch v.Kind() {
	case flow.Text:
		return v.Text(), true
	case flow.Int:
		return strconv.FormatInt(v.Int(), 10), true
	case flow.Bool:
		return strconv.FormatBool(v.Bool()), true
	}
	return "", false
}
