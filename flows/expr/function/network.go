package function

import (
	"fmt"
	"net/netip"

	"github.com/flowrun/flowrun/flows/expr/arithmetic"
	"github.com/flowrun/flowrun/flows/expr/function/prefix"
	"github.com/flowrun/flowrun/runtime/flow"
)

var networks = []Function{
	{
		Name: "cidrcontains", Group: groupNetwork,
		Params:  params(text("prefix").orList(), text("address")),
		Returns: flow.OfBool, Call2: cidrContains, Prepare: prepareContains,
		Doc:      "whether the address, or all of the prefix, lies in the prefix, or in one of a list of them",
		Examples: []Example{{`cidrcontains("10.0.0.0/8", "10.1.2.3")`, `true`}, {`cidrcontains(["10.0.0.0/8", "2001:db8::/32"], "2001:db8:1::/48")`, `true`}, {`cidrcontains("10.0.0.0/8", "10.0.0.0/7")`, `false`}},
	},
	{
		Name: "cidroverlaps", Group: groupNetwork, Params: params(text("prefix"), text("other")), Returns: flow.OfBool, Call2: cidrOverlaps,
		Doc:      "whether the prefixes have addresses in common",
		Examples: []Example{{`cidroverlaps("10.0.0.0/8", "10.1.0.0/16")`, `true`}, {`cidroverlaps("10.0.0.0/16", "10.1.0.0/16")`, `false`}},
	},
	{
		Name: "cidrsubnet", Group: groupNetwork, Params: params(text("prefix"), number("newbits"), number("netnum")), Returns: flow.OfText, Call3: cidrSubnet,
		Doc:      "the prefix with so many bits more, which spell the number of the network in it",
		Examples: []Example{{`cidrsubnet("10.0.0.0/8", 8, 2)`, `"10.2.0.0/16"`}, {`cidrsubnet("2001:db8::/32", 16, 10)`, `"2001:db8:a::/48"`}},
	},
	{
		Name: "cidrhost", Group: groupNetwork, Params: params(text("prefix"), number("hostnum")), Returns: flow.OfText, Call2: cidrHost,
		Doc:      "the address of that number in the prefix; a negative number counts from the end",
		Examples: []Example{{`cidrhost("10.0.0.0/24", 5)`, `"10.0.0.5"`}, {`cidrhost("10.0.0.0/24", -1)`, `"10.0.0.255"`}},
	},
	{
		Name: "cidrs", Group: groupNetwork, Params: params(text("address")), Rest: number("bits").rest(), Returns: flow.OfList, Call: cidrs,
		Doc: "the prefixes that the address or prefix lies in, from the widest to itself: all of them, or those of so many bits; " +
			"the keys to group or look it up by",
		Examples: []Example{{`cidrs("10.1.2.3", 8, 24)`, `["10.0.0.0/8","10.1.2.0/24"]`}, {`cidrs("192.0.0.0/2")`, `["0.0.0.0/0","128.0.0.0/1","192.0.0.0/2"]`}},
	},
}

func cidrContains(prefixes, address flow.Value) (flow.Value, error) {
	var room [4]netip.Prefix
	ps, err := each(room[:0], prefixes, "prefixes", prefix.Parse)
	if err != nil {
		return flow.NullValue, err
	}
	return anyCovers(ps, address)
}

func anyCovers(ps []netip.Prefix, address flow.Value) (flow.Value, error) {
	q, err := prefix.ParseAny(address.Text())
	if err != nil {
		return flow.NullValue, err
	}
	for _, p := range ps {
		if prefix.Covers(p, q) {
			return flow.BoolOf(true), nil
		}
	}
	return flow.BoolOf(false), nil
}

// each appends what parse makes of a string, or of each in a list of them;
// wanted names them in the error.
func each[T any](dst []T, v flow.Value, wanted string, parse func(string) (T, error)) ([]T, error) {
	if v.Kind() == flow.Text {
		one, err := parse(v.Text())
		return append(dst, one), err
	}
	for _, x := range v.List() {
		if x.Kind() != flow.Text {
			return nil, fmt.Errorf("the list has %s in it, where only %s are wanted", x.Kinds(), wanted)
		}
		one, err := parse(x.Text())
		if err != nil {
			return nil, err
		}
		dst = append(dst, one)
	}
	return dst, nil
}

func prepareContains(constants []*flow.Value) (*Function, error) {
	if c := constants[1]; c != nil && c.Kind() == flow.Text {
		if _, err := prefix.ParseAny(c.Text()); err != nil {
			return nil, err
		}
	}
	c := constants[0]
	if c == nil || c.Kind() != flow.Text && c.Kind() != flow.List {
		return nil, nil
	}
	ps, err := each(nil, *c, "prefixes", prefix.Parse)
	if err != nil {
		return nil, err
	}
	return &Function{Call2: func(_, address flow.Value) (flow.Value, error) { return anyCovers(ps, address) }}, nil
}

func cidrOverlaps(a, b flow.Value) (flow.Value, error) {
	p, err := prefix.ParseAny(a.Text())
	if err != nil {
		return flow.NullValue, err
	}
	q, err := prefix.ParseAny(b.Text())
	if err != nil {
		return flow.NullValue, err
	}
	return flow.BoolOf(p.Overlaps(q)), nil
}

func cidrSubnet(v, newbits, netnum flow.Value) (flow.Value, error) {
	p, err := prefix.Parse(v.Text())
	if err != nil {
		return flow.NullValue, err
	}
	more, err := arithmetic.Within(newbits, "newbits", 0, 128)
	if err != nil {
		return flow.NullValue, err
	}
	n, err := arithmetic.Whole(netnum, "netnum")
	if err != nil {
		return flow.NullValue, err
	}
	subnet, err := prefix.Subnet(p, more, n)
	if err != nil {
		return flow.NullValue, err
	}
	return flow.TextOf(subnet.String()), nil
}

func cidrHost(v, hostnum flow.Value) (flow.Value, error) {
	p, err := prefix.Parse(v.Text())
	if err != nil {
		return flow.NullValue, err
	}
	n, err := arithmetic.Whole(hostnum, "hostnum")
	if err != nil {
		return flow.NullValue, err
	}
	host, err := prefix.Host(p, n)
	if err != nil {
		return flow.NullValue, err
	}
	return flow.TextOf(host.String()), nil
}

func cidrs(args []flow.Value) (flow.Value, error) {
	p, err := prefix.ParseAny(args[0].Text())
	if err != nil {
		return flow.NullValue, err
	}
	var all []flow.Value
	cover := func(bits int) {
		wide, _ := p.Addr().Prefix(bits)
		all = append(all, flow.TextOf(wide.String()))
	}
	if len(args) == 1 {
		for bits := range p.Bits() + 1 {
			cover(bits)
		}
	}
	for _, a := range args[1:] {
		bits, err := arithmetic.Within(a, "the number of bits", 0, 128)
		if err != nil {
			return flow.NullValue, err
		}
		if bits <= p.Bits() { // the others do not cover it
			cover(bits)
		}
	}
	return flow.ListOf(all), nil
}
