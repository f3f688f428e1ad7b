package tap

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

// Redacted stands in place of what is not shown.
const Redacted = "[redacted]"

// words are in the names of what is most likely secret, without dashes and the like.
var words = []string{
	"authorization", "cookie", "token", "secret", "password", "passwd", "passphrase", "credential", "session", "signature",
	"apikey", "accesskey", "privatekey", "jwt", "referer", "websocketprotocol",
}

// Redaction says what of an event is not shown.
type Redaction struct {
	hidden map[string]bool // names, in lower case, of what is not shown wherever it is
	shown  map[string]bool // names of what is, although it is called like a secret
	paths  []path
}

// path leads from event, meta or peer to what is not shown.
type path []string

const every = "*" // element or field

// NewRedaction reads names, such as password, of fields that are not shown wherever
// they are, and paths, such as event.user.name, event.list[0], event["a b"] or
// event.items.*.price, to one. shown are names of fields that are shown though they
// are called like a secret. The error is a *setting.Error for each that is no path.
func NewRedaction(redact, shown []string) (*Redaction, error) {
	r := &Redaction{hidden: map[string]bool{}, shown: map[string]bool{}}
	var problems []error
	for i, text := range redact {
		p, err := parsePath(text)
		switch {
		case err != nil:
			problems = append(problems, &setting.Error{Field: fmt.Sprintf("redact[%d]", i), Err: err})
		case len(p) > 1:
			r.paths = append(r.paths, p)
		default:
			r.hidden[strings.ToLower(p[0])] = true
		}
	}
	for _, name := range shown {
		r.shown[strings.ToLower(name)] = true
	}
	return r, errors.Join(problems...)
}

var roots = []string{"event", "meta", "peer"}

func parsePath(text string) (p path, err error) {
	for rest, first := text, true; rest != "" || first; first = false {
		var step string
		switch {
		case rest != "" && rest[0] == '[':
			inside, after, closed := strings.Cut(rest[1:], "]")
			if strings.HasPrefix(inside, `"`) {
				quoted, err := strconv.QuotedPrefix(rest[1:])
				if err != nil {
					return nil, notAPath(text)
				}
				if inside, err = strconv.Unquote(quoted); err != nil {
					return nil, notAPath(text)
				}
				after, closed = strings.CutPrefix(rest[1+len(quoted):], "]")
			}
			if !closed || first {
				return nil, notAPath(text)
			}
			step, rest = inside, after
		default:
			if !first {
				var dotted bool
				if rest, dotted = strings.CutPrefix(rest, "."); !dotted {
					return nil, notAPath(text)
				}
			}
			end := strings.IndexAny(rest, ".[")
			if end < 0 {
				end = len(rest)
			}
			step, rest = rest[:end], rest[end:]
		}
		if step == "" {
			return nil, notAPath(text)
		}
		p = append(p, step)
	}
	if len(p) > 1 && !slices.Contains(roots, p[0]) {
		return nil, fmt.Errorf("%q is no path into an event: it begins with event, meta or peer; a name alone, like password, means every field that is called so", text)
	}
	if len(p) == 1 && (p[0] == every || slices.Contains(roots, p[0])) {
		return nil, fmt.Errorf("%q would leave nothing to see: write a path, like event.password, or the name of a field", text)
	}
	return p, nil
}

func notAPath(text string) error {
	return fmt.Errorf("%q is no path: write it like event.user.name, event.list[0], event[\"a b\"] or event.items.*.price, or write the name of a field alone", text)
}

// payload shows a payload. In an err event, the event that it is about is one, too,
// and its peer a peer.
func (r *Redaction) payload(v flow.Value) flow.Value {
	paths := r.under("event")
	if isErrEvent(v) {
		paths = append(paths, r.within("event", "event")...)
		paths = append(paths, r.within("peer", "peer")...)
		if len(r.paths)+len(r.hidden) > 0 {
			paths = append(paths, path{"raw"}) // which nobody can look into
		}
	}
	v, _ = r.show(v.Whole(), paths)
	return v
}

// isErrEvent reports whether v looks like what leaves by an err port.
func isErrEvent(v flow.Value) bool {
	o := v.Object()
	for _, key := range []string{"error", "event", "raw", "peer"} {
		if _, has := o.Get(key); !has {
			return false
		}
	}
	return true
}

// meta shows meta, where the transport tells of its peer as well.
func (r *Redaction) meta(v flow.Value) flow.Value {
	v, _ = r.show(v.Whole(), append(r.under("meta"), r.within("peer", every, "peer")...))
	return v
}

// peer shows peer. A path may have a parameter in it that is not shown.
func (r *Redaction) peer(from *flow.Origin) flow.Value {
	all := from.PeerValue()
	paths := r.under("peer")
	if params, _ := all.Get("params"); all != nil {
		var inside []path
		for _, p := range paths {
			if p[0] == "params" || p[0] == every {
				inside = append(inside, p[1:])
			}
		}
		if _, changed := r.show(params, inside); changed {
			paths = append(paths[:len(paths):len(paths)], path{"path"})
		}
	}
	v, _ := r.show(flow.MapOf(all), paths)
	return v
}

// under are the paths that begin with a root, from there.
func (r *Redaction) under(root string) (all []path) {
	for _, p := range r.paths {
		if p[0] == root {
			all = append(all, p[1:])
		}
	}
	return all
}

// within are the paths that begin with a root, when that is found at another place.
func (r *Redaction) within(root string, place ...string) (all []path) {
	for _, p := range r.under(root) {
		all = append(all, slices.Concat(place, p))
	}
	return all
}

// show returns v without what is not shown, and whether that is less. paths lead
// from v.
func (r *Redaction) show(v flow.Value, paths []path) (_ flow.Value, changed bool) {
	for _, p := range paths {
		if len(p) == 0 {
			return flow.TextOf(Redacted), true
		}
	}
	switch v.Kind() {
	case flow.List:
		return r.showList(v, paths)
	case flow.Map:
		return r.showObject(v, paths)
	}
	return v, false
}

func (r *Redaction) showList(v flow.Value, paths []path) (flow.Value, bool) {
	var made []flow.Value
	for i, x := range v.List() {
		if shown, changed := r.show(x.Whole(), behind(paths, strconv.Itoa(i))); changed {
			if made == nil {
				made = slices.Clone(v.List())
			}
			made[i] = shown
		}
	}
	if made == nil {
		return v, false
	}
	return flow.ListOf(made), true
}

func (r *Redaction) showObject(v flow.Value, paths []path) (flow.Value, bool) {
	var made *flow.Object
	for _, f := range v.Object().Fields() {
		shown, changed := flow.TextOf(Redacted), !isEmpty(f.Value)
		if !r.hides(f.Key) {
			shown, changed = r.show(f.Value.Whole(), behind(paths, f.Key))
		}
		if changed {
			if made == nil {
				made = v.Object().Clone()
			}
			made.Set(f.Key, shown)
		}
	}
	if made == nil {
		return v, false
	}
	return flow.MapOf(made), true
}

// isEmpty reports whether nothing is there that could be secret.
func isEmpty(v flow.Value) bool {
	switch v.Kind() {
	case flow.Null:
		return true
	case flow.Text:
		return v.Text() == ""
	case flow.List:
		return len(v.List()) == 0
	case flow.Map:
		return v.Object().Len() == 0
	}
	return false
}

// behind are the paths that lead on through a step, from there.
func behind(paths []path, step string) (all []path) {
	for _, p := range paths {
		if p[0] == step || p[0] == every {
			all = append(all, p[1:])
		}
	}
	return all
}

var plain = strings.NewReplacer("-", "", "_", "", " ", "", ".", "")

// hides reports whether a field that is called so is not shown.
func (r *Redaction) hides(name string) bool {
	name = strings.ToLower(name)
	if r.hidden[name] || r.shown[name] {
		return r.hidden[name]
	}
	name = plain.Replace(name)
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(name, w) })
}
