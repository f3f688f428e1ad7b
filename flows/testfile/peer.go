package testfile

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/flowrun/flowrun/flows/source"
	"github.com/flowrun/flowrun/runtime/flow"
)

// Peer is a `peer` block: a peer of the flow under test that follows a script.
type Peer struct {
	Name   string `hcl:"name,label"`
	At     flow.Place
	Config any    // of Tables.Peer, filled
	Steps  []Step // in the order written
}

// Step is one step of a peer.
type Step struct {
	Kind   string
	At     flow.Place
	Config any // of its row of Tables.Steps, filled
}

// peer reads a peer block; nil when something in it is wrong.
func (r *reading) peer(block *hclsyntax.Block, tables *Tables) *Peer {
	owner := "peer " + strconv.Quote(block.Labels[0])
	p := &Peer{Name: block.Labels[0], At: placeOf(block.DefRange()), Config: tables.Peer()}
	before := r.Errors()
	for _, earlier := range r.peers {
		if earlier == block {
			break
		}
		if earlier.Labels[0] == p.Name {
			r.Report.Errorf(block.DefRange(), "two peers are called %q", p.Name).Also("the first is", earlier.DefRange())
			break
		}
	}
	p.Steps = r.script(p.Config, source.Region{Owner: owner, At: block.DefRange(), Body: block.Body}, tables)
	if r.Errors() > before {
		return nil
	}
	return p
}

// script reads a body that holds arguments, which fill config, and steps.
func (r *reading) script(config any, g source.Region, tables *Tables) (steps []Step) {
	body := g.Body.(*hclsyntax.Body)
	rest := *body
	rest.Blocks = nil
	var names []string
	for _, row := range tables.Steps {
		names = append(names, row.Name)
	}
	before := r.Errors()
	for _, b := range body.Blocks {
		i := slices.Index(names, b.Type)
		switch {
		case i >= 0:
			inner := tables.Steps[i].Config()
			r.step(inner, b, g.Owner, tables)
			steps = append(steps, Step{Kind: b.Type, At: placeOf(b.DefRange()), Config: inner})
		case source.Nearest(b.Type, names) != "":
			r.Report.Errorf(b.TypeRange, "%s has no step %q", g.Owner, b.Type).Hint("%s", source.DidYouMean(b.Type, names))
		default:
			rest.Blocks = append(rest.Blocks, b)
		}
	}
	g.Body = &rest
	r.configure(config, g)
	if r.Errors() == before && len(steps) == 0 {
		r.Report.Errorf(g.At, "%s does nothing: there is no step in it", g.Owner)
	}
	return steps
}

// step fills the configuration of a step.
func (r *reading) step(config any, b *hclsyntax.Block, owner string, tables *Tables) {
	labels := labelsOf(config)
	switch {
	case len(b.Labels) < len(labels):
		r.Report.Errorf(b.DefRange(), "%s needs %s", b.Type, source.Tally(len(labels), "label"))
	case len(b.Labels) > len(labels):
		p := r.Report.Errorf(b.LabelRanges[len(labels)], "%s takes %s", b.Type, source.Tally(len(labels), "label"))
		if len(labels) == 0 {
			p.Hint("write %s { … }", b.Type)
		}
	default:
		for i, field := range labels {
			field.SetString(b.Labels[i])
		}
	}
	if tables.Signal != nil {
		gives, awaits := tables.Signal(config)
		if gives != "" {
			r.gives = append(r.gives, gives)
		}
		if awaits != "" {
			r.awaits = append(r.awaits, await{awaits, b.LabelRanges[0]})
		}
	}
	g := source.Region{Owner: b.Type + " in " + owner, At: b.DefRange(), Body: b.Body}
	if tables.Holds == nil || !tables.Holds(config) {
		r.configure(config, g)
		return
	}
	tables.Fill(config, r.script(config, g, tables))
}

// configure fills a configuration of a table, and lets it check itself.
func (r *reading) configure(config any, g source.Region) {
	failed := r.Failed
	defer func() { r.Failed = r.Failed || failed }()
	r.Failed = false
	r.Decode(g, nil, nil, config)
	if c, ok := config.(Checker); ok && !r.Failed {
		if err := c.Check(); err != nil {
			r.Refused(g.Owner, g.At, err)
		}
	}
}

// signals checks that what is waited for can come.
func (r *reading) signals() {
	if r.HasErrors() { // what gives it may be written wrong
		return
	}
	for _, a := range r.awaits {
		if !slices.Contains(r.gives, a.signal) {
			p := r.Report.Errorf(a.at, "nobody signals %q", a.signal)
			if source.Nearest(a.signal, r.gives) != "" {
				p.Hint("%s", source.DidYouMean(a.signal, r.gives))
			} else {
				p.Hint("write signal %q {} into a peer, where it has come so far", a.signal)
			}
		}
	}
}

// labelsOf are the fields of a configuration that the labels of its block fill.
func labelsOf(config any) (fields []reflect.Value) {
	s := reflect.ValueOf(config).Elem()
	for i := range s.NumField() {
		if _, option, _ := strings.Cut(s.Type().Field(i).Tag.Get("hcl"), ","); option == "label" {
			fields = append(fields, s.Field(i))
		}
	}
	return fields
}
