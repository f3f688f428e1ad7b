package function

import (
	"net/netip"

	"github.com/flowrun/flowrun/flows/expr/function/prefix"
	"github.com/flowrun/flowrun/flows/expr/function/route"
	"github.com/flowrun/flowrun/runtime/flow"
)

// The functions of this file take what the codec bgp makes: its event, the data
// of one, or a part of the data.

var routes = []Function{
	related("prefix_overlaps", route.Overlaps,
		"whether a prefix of the BGP message, announced or withdrawn, has addresses in common with the prefix or address, or with one of a list of them; "+
			"in place of the message, its data, a list of prefixes or one prefix",
		Example{`prefix_overlaps({ reach = ["10.1.0.0/16"] }, "10.0.0.0/8")`, `true`}, Example{`prefix_overlaps(["10.0.0.0/8"], ["10.1.2.3", "2001:db8::/32"])`, `true`}),
	related("prefix_within", route.Within,
		"whether a prefix of the BGP message is the prefix or a part of it (more specific), or of one of a list of them",
		Example{`prefix_within({ unreach = ["10.1.0.0/16"] }, "10.0.0.0/8")`, `true`}, Example{`prefix_within("10.0.0.0/8", "10.1.0.0/16")`, `false`}),
	related("prefix_covers", route.Covers,
		"whether a prefix of the BGP message is the prefix or has it in it (less specific), or the address, or one of a list of them",
		Example{`prefix_covers({ reach = ["10.0.0.0/8"] }, "10.1.0.0/16")`, `true`}, Example{`prefix_covers(["10.0.0.0/8"], "10.1.2.3")`, `true`}),
	{
		Name: "prefixes", Group: groupRoutes, Params: params(message(0)), Returns: flow.OfList,
		Call1:    func(of flow.Value) (flow.Value, error) { return route.Prefixes(of), nil },
		Doc:      "the prefixes of the BGP message, or of its data: announced ones, then withdrawn ones, then those of other families, without path identifiers",
		Examples: []Example{{`prefixes({ reach = ["10.0.0.0/8"], unreach = ["192.0.2.0/24"] })`, `["10.0.0.0/8","192.0.2.0/24"]`}, {`contains(prefixes({ reach = ["10.0.0.0/8"] }), "10.1.0.0/16")`, `false`}},
	},
	{
		Name: "as_path", Group: groupRoutes, Params: params(message(flow.OfList)), Returns: flow.OfList | flow.OfNull, Call1: route.Path,
		Doc:      "the AS numbers of the path of the BGP message, its data or a path, in their order, those of sets too; AS_TRANS (23456) of who knows two octets only is replaced by what AS4PATH says (RFC 6793); null without a path",
		Examples: []Example{{`as_path({ attrs = { ASPATH = { value = [64501, 3356, [174, 1299]] } } })`, `[64501,3356,174,1299]`}, {`contains(as_path([64501, [174, 1299]]), 174)`, `true`}},
	},
	{
		Name: "as_origin", Group: groupRoutes, Params: params(message(flow.OfList)), Returns: flow.OfNumber | flow.OfNull, Call1: route.Origin,
		Doc:      "the AS number at the end of the path of the BGP message, its data or a path, as as_path has it; null without a path, or where that is a set of several",
		Examples: []Example{{`as_origin({ attrs = { ASPATH = { value = [64501, 3356] } } })`, `3356`}, {`as_origin([64501, [174, 1299]])`, `null`}},
	},
	{
		Name: "community", Group: groupRoutes, Params: params(message(flow.OfList|flow.OfText), text("community").orList()), Returns: flow.OfBool,
		Call2: carries, Prepare: prepareCarries,
		Doc: "whether the BGP message carries the community, or one of a list of them: 64501:100, 64501:1:2 (large), 64501:* for any number, or a name such as no-export; " +
			"in place of the message, its data, a list of communities or one",
		Examples: []Example{{`community({ attrs = { COMMUNITY = { value = ["64501:100"] } } }, "64501:*")`, `true`}, {`community(["64501:1:2"], ["no-export", "64501:1:3"])`, `false`}},
	},
}

// message is the parameter that is a BGP message or its data, or a part of
// these of one of the kinds.
func message(parts flow.Kinds) Param {
	return Param{Name: "message", Kinds: flow.OfMap | parts}
}

// related makes the row of a function that compares prefixes.
func related(name string, how route.Relation, doc string, examples ...Example) Function {
	return Function{
		Name: name, Group: groupRoutes, Params: params(message(flow.OfList|flow.OfText), text("prefix").orList()), Returns: flow.OfBool, Doc: doc, Examples: examples,
		Call2: func(of, others flow.Value) (flow.Value, error) {
			var room [4]netip.Prefix
			qs, err := each(room[:0], others, "prefixes", prefix.ParseAny)
			if err != nil {
				return flow.NullValue, err
			}
			return truth(route.Related(of, how, qs))
		},
		Prepare: func(constants []*flow.Value) (*Function, error) {
			if constants[1] == nil {
				return nil, nil
			}
			qs, err := each(nil, *constants[1], "prefixes", prefix.ParseAny)
			if err != nil {
				return nil, err
			}
			return &Function{Call2: func(of, _ flow.Value) (flow.Value, error) { return truth(route.Related(of, how, qs)) }}, nil
		},
	}
}

func carries(of, communities flow.Value) (flow.Value, error) {
	var room [4]route.Community
	wanted, err := each(room[:0], communities, "communities", route.ParseCommunity)
	if err != nil {
		return flow.NullValue, err
	}
	return truth(route.Carries(of, wanted))
}

func prepareCarries(constants []*flow.Value) (*Function, error) {
	if constants[1] == nil {
		return nil, nil
	}
	wanted, err := each(nil, *constants[1], "communities", route.ParseCommunity)
	if err != nil {
		return nil, err
	}
	return &Function{Call2: func(of, _ flow.Value) (flow.Value, error) { return truth(route.Carries(of, wanted)) }}, nil
}

func truth(b bool, err error) (flow.Value, error) {
	if err != nil {
		return flow.NullValue, err
	}
	return flow.BoolOf(b), nil
}
