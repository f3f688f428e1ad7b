package testfile

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/flowrun/flowrun/flows/decode"
	"github.com/flowrun/flowrun/flows/source"
	"github.com/flowrun/flowrun/flows/startup"
	"github.com/flowrun/flowrun/runtime/flow"
)

// Binding is what a case has of its own while it runs.
type Binding struct {
	Dir  string              // what paths are relative to: its scratch folder
	Port func() (int, error) // leases a port; nil while the case is only checked
}

// reading is one reading of a case.
type reading struct {
	*source.Report
	*decode.Decoder
	tables *Tables
	values *startup.Values
	region source.Region // without its locals, peers and load
	peers  []*hclsyntax.Block
	loads  []*hclsyntax.Block

	gives  []string // the signals that peers and interrupts give
	awaits []await
}

// await is where a signal is waited for.
type await struct {
	signal string
	at     hcl.Range
}

// read sorts out what the decoder does not read: locals come first, and the
// steps of peers have an order.
func (c *Case) read(b Binding) *reading {
	r := &reading{Report: &source.Report{}, tables: c.File.tables}
	r.region = c.region(r.Report)
	env := map[string]string{}
	for _, e := range os.Environ() {
		name, value, _ := strings.Cut(e, "=")
		env[name] = value
	}
	r.values = startup.New(r.Report, b.Dir, env)
	r.values.Offer("free_port", freePort(b.Port))

	whole := r.region.Body.(*hclsyntax.Body)
	rest := *whole
	rest.Blocks = nil
	var locals []source.Block
	for _, block := range whole.Blocks {
		switch {
		case block.Type == "locals" && len(block.Labels) == 0:
			locals = append(locals, source.Block{Kind: "locals", Region: source.Region{Owner: "locals", At: block.DefRange(), Body: block.Body}})
		case block.Type == "peer" && c.Kind == KindTest && len(block.Labels) == 1:
			r.peers = append(r.peers, block)
		case block.Type == "load" && c.Kind == KindBench && len(block.Labels) == 0:
			r.loads = append(r.loads, block)
		default:
			rest.Blocks = append(rest.Blocks, block)
		}
	}
	r.region.Body = &rest
	r.values.Set(&startup.Given{Env: env}, locals)
	r.Decoder = &decode.Decoder{Report: r.Report, Values: r.values, Dir: b.Dir}
	return r
}

// path leads to a block or an argument of the case: types of blocks, each
// followed by its label where it has one, and the name of an argument.
type path []string

func (p path) then(names ...string) path { return slices.Concat(p, names) }

// find returns where the path leads to.
func (r *reading) find(p path) (hcl.Range, bool) {
	at, body := r.region.At, r.region.Body.(*hclsyntax.Body)
	for len(p) > 0 {
		if a := body.Attributes[p[0]]; a != nil && len(p) == 1 {
			return a.Expr.Range(), true
		}
		i := slices.IndexFunc(body.Blocks, func(b *hclsyntax.Block) bool {
			return b.Type == p[0] && (len(b.Labels) == 0 || len(p) > 1 && b.Labels[0] == p[1])
		})
		if i < 0 {
			return at, false
		}
		b := body.Blocks[i]
		at, body, p = b.DefRange(), b.Body, p[1+len(b.Labels):]
	}
	return at, true
}

func (r *reading) given(p path) bool { _, ok := r.find(p); return ok }

// place is that of a block of the case.
func (r *reading) place(p path) flow.Place { at, _ := r.find(p); return placeOf(at) }

// errorAt reports a mistake at the end of a path, or as near as it leads.
func (r *reading) errorAt(p path, format string, args ...any) *source.Problem {
	at, _ := r.find(p)
	return r.Report.Errorf(at, format, args...)
}

// unleased is the port of cases that do not run.
const unleased = 1

func freePort(lease func() (int, error)) function.Function {
	return function.New(&function.Spec{
		Type: function.StaticReturnType(cty.Number),
		Impl: func([]cty.Value, cty.Type) (cty.Value, error) {
			if lease == nil {
				return cty.NumberIntVal(unleased), nil
			}
			port, err := lease()
			if err != nil {
				return cty.NilVal, fmt.Errorf("lease a port: %w", err)
			}
			return cty.NumberIntVal(int64(port)), nil
		},
	})
}
