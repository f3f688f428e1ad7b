// Package reference describes what flows are made of: the components, the
// modules of the library, the functions of expressions and those of windows.
//
// Nothing of it is written twice. [Of] reads the tables, the tags and defaults
// of configurations, and the texts of modules, and makes a [Component] of each;
// the rest of the package spells these for a terminal ([Component.Text], [List])
// and for the pages of the repository, which stand beside the code that they are
// made from ([WritePages]). What somebody asked for is the command's to find.
package reference

import (
	"encoding"
	"fmt"
	"go/token"
	"reflect"
	"strings"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/peer"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/peer/message"
	"github.com/flowrun/flowrun/flows"
	"github.com/flowrun/flowrun/flows/expr/aggregate"
	"github.com/flowrun/flowrun/flows/expr/function"
	"github.com/flowrun/flowrun/runtime/endpoint"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/setting"
)

// Component is what the reference says about one component, one module of the
// library, or one function of expressions. All of it comes from the component's
// Spec and the tags and defaults of its configuration, from the module's text,
// or from the table of functions.
type Component struct {
	Kind      string     `json:"kind"`
	Name      string     `json:"name"`
	Summary   string     `json:"summary"`
	Doc       string     `json:"doc,omitempty"`
	Arguments []Argument `json:"arguments"`
	Example   string     `json:"example,omitempty"` // a flow

	// Of functions and aggregates.
	Group     string `json:"group,omitempty"`
	Signature string `json:"signature,omitempty"`
	Returns   string `json:"returns,omitempty"`
	Calls     []Call `json:"calls,omitempty"` // its examples
}

// Argument is one argument or block of a configuration. Arguments of blocks
// are named with the block: "tls.cert".
type Argument struct {
	Name     string   `json:"name"`
	Type     string   `json:"type"`
	Required bool     `json:"required,omitempty"`
	Default  string   `json:"default,omitempty"` // as in a flow
	Values   []string `json:"values,omitempty"`  // the only ones allowed
	Min      string   `json:"min,omitempty"`
	Max      string   `json:"max,omitempty"`
	Doc      string   `json:"doc,omitempty"`
}

// Of describes the blocks, the components of tables, in their order, the
// modules of the library, what peers of tests can do, and the functions.
func Of(t flows.Tables) []Component {
	all := describeBlocks()
	all = append(all, describe("connector", t.Connectors)...)
	all = append(all, describe("codec", t.Codecs)...)
	all = append(all, describe("preprocessor", t.Processors)...)
	all = append(all, describe("step", t.Steps)...)
	all = append(all, describeModules()...)
	all = append(all, describePeers()...)
	all = append(all, describeFunctions(function.All)...)
	return append(all, describeAggregates(aggregate.All)...)
}

// Kinds are the kinds of components, in the order in which they are listed.
var Kinds = []string{"block", "connector", "codec", "preprocessor", "step", "module", "peer", "function", "aggregate"}

// describePeers describes the block peer of test files and the steps in it.
func describePeers() []Component {
	config := peer.DefaultConfig()
	block := Component{
		Kind: "peer", Name: "peer", Summary: "a client or a server that follows a script",
		Doc: `A test starts it beside the flow, and fails when it does not go as written. The steps are done one
after the other; what is not there yet is waited for.`,
		Arguments: arguments("", reflect.ValueOf(&config), true),
		Example: `peer "alice" {
  connect = "ws://127.0.0.1:4242/"
  send {
    json = { type = "hello" }
  }
  expect {
    where  = event.type == "welcome"
    within = "2s"
  }
  close {}
}
`,
	}
	return append([]Component{block}, describe("peer", peer.Kinds)...)
}

func describe[C any](kind string, specs []flow.Spec[C]) []Component {
	var all []Component
	for _, s := range specs {
		all = append(all, Component{
			Kind:      kind,
			Name:      s.Name,
			Summary:   s.Summary,
			Doc:       strings.TrimSpace(s.Doc),
			Arguments: arguments("", reflect.ValueOf(s.Config()), true),
			Example:   strings.TrimSpace(s.Example) + "\n",
		})
	}
	return all
}

// commonArguments are those that every connector has beside its own.
func commonArguments() []Argument {
	list := []Argument{
		{Name: "codec", Type: "codec", Doc: "how messages become events, and events messages: a name, an object with a name and arguments, or a reference to a `codec` block"},
		{Name: "preprocessors", Type: "list of processors", Doc: "what messages pass on their way in, in this order"},
		{Name: "postprocessors", Type: "list of processors", Doc: "what messages pass on their way out, in this order"},
	}
	common := flowfile.DefaultCommon()
	return append(list, arguments("", reflect.ValueOf(&common), true)...)
}

// arguments lists the fields of a configuration. defaults says whether the
// values that it holds are what an argument left out means.
func arguments(prefix string, v reflect.Value, defaults bool) []Argument {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return nil
	}
	var list []Argument
	for i := range v.NumField() {
		field, value := v.Type().Field(i), v.Field(i)
		tag := field.Tag.Get("hcl")
		if tag == "" {
			if field.Anonymous {
				list = append(list, arguments(prefix, value, defaults)...)
			}
			continue
		}
		name, option, _ := strings.Cut(tag, ",")
		a := Argument{
			Name:     prefix + name,
			Type:     typeName(field.Type),
			Required: field.Tag.Get("required") == "true",
			Min:      field.Tag.Get("min"),
			Max:      field.Tag.Get("max"),
			Doc:      field.Tag.Get("doc"),
		}
		if field.Tag.Get("single") == "true" {
			a.Type = typeName(field.Type.Elem()) + ", or " + a.Type
		}
		if values := field.Tag.Get("oneof"); values != "" {
			a.Values = strings.Split(values, "|")
		}
		if option == "label" {
			a.Type = "label"
		}
		if v, ok := value.Interface().(flow.Variants); ok {
			list = append(list, a)
			list = append(list, variantArguments(a.Name, v.Variants())...)
			continue
		}
		if a.Type == "block" || a.Type == "blocks" {
			list = append(list, a)
			list = append(list, blockArguments(a.Name+".", value, defaults)...)
			continue
		}
		if defaults && !a.Required && !(value.IsZero() && a.excludesZero()) {
			a.Default = spellDefault(value)
		}
		list = append(list, a)
	}
	return list
}

// excludesZero reports whether a zero cannot be written, so that one in the
// configuration stands for an argument that was left out.
func (a Argument) excludesZero() bool {
	return a.Min != "" && a.Min[0] != '0' && a.Min[0] != '-'
}

// blockArguments lists what is in a block. One that is not there by itself
// has no defaults to show.
func blockArguments(prefix string, v reflect.Value, defaults bool) []Argument {
	switch {
	case v.Kind() == reflect.Slice:
		elem := v.Type().Elem()
		if elem.Kind() == reflect.Pointer {
			elem = elem.Elem()
		}
		return arguments(prefix, reflect.New(elem), false)
	case v.Kind() == reflect.Pointer && v.IsNil():
		made := reflect.New(v.Type().Elem())
		d, ok := made.Interface().(flow.Defaulter)
		if ok {
			d.SetDefaults()
		}
		return arguments(prefix, made, ok)
	}
	return arguments(prefix, v, defaults)
}

// variantArguments lists what is in the blocks of each label.
func variantArguments(name string, variants []flow.Spec[any]) (list []Argument) {
	for _, v := range variants {
		block := fmt.Sprintf("%s %q", name, v.Name)
		list = append(list, Argument{Name: block, Type: "block", Doc: v.Summary})
		list = append(list, arguments(block+".", reflect.ValueOf(v.Config()), true)...)
	}
	return list
}

var textType = reflect.TypeFor[encoding.TextUnmarshaler]()

// typeName is the type of an argument as a flow author sees it.
func typeName(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[flow.Expr]():
		return "expression"
	case reflect.TypeFor[flow.Aggregate]():
		return "expression over many events"
	case reflect.TypeFor[setting.Secret]():
		return "string (secret)"
	case reflect.TypeFor[endpoint.URL]():
		return "URL"
	case reflect.TypeFor[flow.Value]():
		return "value"
	case reflect.TypeFor[message.Pattern]():
		return "string" // that it is a regular expression is for its doc to say
	}
	if t.Kind() != reflect.Pointer && reflect.PointerTo(t).Implements(textType) || t == reflect.TypeFor[setting.Path]() {
		if !token.IsExported(t.Name()) { // a component's own: its doc says what can be written
			return "string"
		}
		return strings.ToLower(t.Name())
	}
	switch t.Kind() {
	case reflect.Bool:
		return "bool"
	case reflect.Int, reflect.Int64, reflect.Uint, reflect.Uint64:
		return "integer"
	case reflect.Float64:
		return "number"
	case reflect.String:
		return "string"
	case reflect.Map:
		return "map of " + typeName(t.Elem())
	case reflect.Interface:
		return "block"
	case reflect.Slice:
		if inner := typeName(t.Elem()); inner != "block" {
			return "list of " + inner
		}
		return "blocks"
	case reflect.Pointer:
		return typeName(t.Elem())
	case reflect.Struct:
		return "block"
	}
	return t.Name()
}

// spellDefault spells a value as in a flow; "" where there is no default to
// speak of.
func spellDefault(v reflect.Value) string {
	if v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			return ""
		}
		v = v.Elem()
	}
	if _, secret := v.Interface().(setting.Secret); secret {
		return ""
	}
	if u, ok := v.Interface().(endpoint.URL); ok && u.IsZero() {
		return ""
	}
	if s, ok := v.Interface().(fmt.Stringer); ok {
		if s.String() == "" {
			return ""
		}
		return fmt.Sprintf("%q", s.String())
	}
	switch v.Kind() {
	case reflect.String:
		if v.String() == "" {
			return ""
		}
		return fmt.Sprintf("%q", v.String())
	case reflect.Slice, reflect.Map:
		if v.Len() == 0 {
			return ""
		}
		var parts []string
		if v.Kind() == reflect.Slice {
			for i := range v.Len() {
				parts = append(parts, spellDefault(v.Index(i)))
			}
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return fmt.Sprint(v.Interface())
}
