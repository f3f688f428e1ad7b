package bgp

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/osrg/gobgp/v4/pkg/packet/bgp"

	"github.com/flowrun/flowrun/codecs/bgp/internal/attribute"
	"github.com/flowrun/flowrun/codecs/bgp/internal/session"
	"github.com/flowrun/flowrun/codecs/bgp/internal/spelling"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
)

// wellKnown are the communities that ExaBGP has names for.
var wellKnown = map[string]string{
	"no-export": "65535:65281", "no-advertise": "65535:65282", "no-export-subconfed": "65535:65283",
	"no-peer": "65535:65284", "blackhole": "65535:666",
}

// knownBy are the names of these communities.
var knownBy = func() map[string]string {
	names := make(map[string]string, len(wellKnown))
	for name, community := range wellKnown {
		names[community] = name
	}
	return names
}()

// readExa reads a line of ExaBGP's API.
func (m *message) readExa(b []byte) error {
	line := strings.TrimSpace(brackets.Replace(string(b)))
	if line == "" || line[0] == '#' {
		return errNoEvent
	}
	words := strings.Fields(line)
	if len(words) < 3 || words[1] != "route" || words[0] != "announce" && words[0] != "withdraw" {
		return errors.New("it is neither announce route … nor withdraw route …")
	}
	prefix, err := netip.ParsePrefix(words[2])
	if err != nil {
		return fmt.Errorf("%.50q is no prefix", words[2])
	}
	m.typ = bgp.BGP_MSG_UPDATE
	var data []byte
	if words[0] == "withdraw" {
		if len(words) > 3 {
			return fmt.Errorf("something follows the prefix that is withdrawn: %.40q", words[3])
		}
		data = withdrawn(prefix.Masked())
	} else if data, err = announced(prefix.Masked(), words[3:]); err != nil {
		return err
	}
	if data, err = jsontext.Check(data, jsontext.DefaultDepth); err != nil {
		return err
	}
	m.data = flow.LazyOf(data, jsontext.Form{})
	_, err = writeBody(nil, m.typ, m.data, &pathIDs{})
	return err
}

// brackets need no blanks beside them.
var brackets = strings.NewReplacer("[", " [ ", "]", " ] ", "(", " ( ", ")", " ) ")

func withdrawn(p netip.Prefix) []byte {
	if p.Addr().Is4() {
		return fmt.Appendf(nil, `{"unreach":["%s"]}`, p)
	}
	return fmt.Appendf(nil, `{"attrs":{"MP_UNREACH":{"flags":"O","value":{"af":"IPV6/UNICAST","prefixes":["%s"]}}}}`, p)
}

// announced makes the data of an announcement.
func announced(p netip.Prefix, words []string) ([]byte, error) {
	attrs := map[string]string{}
	var hop string
	for len(words) > 0 {
		key := words[0]
		if key == "atomic-aggregate" { // it has no value
			attrs["AGGREGATE"], words = "true", words[1:]
			continue
		}
		value, rest, err := argument(words[1:])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		if words = rest; len(value) != 1 && !slices.Contains(exaLists, key) {
			return nil, fmt.Errorf("%s: it has one value, not %d", key, len(value))
		}
		switch key {
		case "next-hop":
			if hop = value[0]; hop == "self" {
				hop = ""
			} else if _, err := netip.ParseAddr(hop); err != nil {
				return nil, fmt.Errorf("the next hop %.50q is no address", hop)
			}
		case "origin":
			attrs["ORIGIN"] = strconv.Quote(strings.ToUpper(value[0]))
		case "as-path":
			attrs["ASPATH"] = "[" + strings.Join(value, ",") + "]"
			err = numbers(value...)
		case "med":
			attrs["MED"], err = value[0], numbers(value...)
		case "local-preference":
			attrs["LOCALPREF"], err = value[0], numbers(value...)
		case "community":
			for i, c := range value {
				if n, ok := wellKnown[strings.ReplaceAll(strings.ToLower(c), "_", "-")]; ok {
					value[i] = n
				}
			}
			attrs["COMMUNITY"] = quoted(value)
		case "large-community":
			attrs["LARGE_COMMUNITY"] = quoted(value)
		case "cluster-list":
			attrs["CLUSTER_LIST"] = quoted(value)
		case "originator-id":
			attrs["ORIGINATOR"] = strconv.Quote(value[0])
		case "aggregator":
			asn, addr, _ := strings.Cut(value[0], ":")
			err = numbers(asn)
			attrs["AGGREGATOR"] = `{"asn":` + asn + `,"addr":` + strconv.Quote(addr) + `}`
		default:
			if !slices.Contains(exaPassed, key) {
				return nil, fmt.Errorf("there is no attribute %.40q here: %s are known, and %s are passed over", key, exaKnown, strings.Join(exaPassed, ", "))
			}
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
	}
	b := []byte(`{`)
	if p.Addr().Is4() {
		b = fmt.Appendf(b, `"reach":["%s"],`, p)
		if hop != "" {
			attrs["NEXTHOP"] = strconv.Quote(hop)
		}
	} else {
		next := ""
		if hop != "" {
			next = `"nexthop":` + strconv.Quote(hop) + `,`
		}
		attrs["MP_REACH"] = fmt.Sprintf(`{"af":"IPV6/UNICAST",%s"prefixes":["%s"]}`, next, p)
	}
	b = append(b, `"attrs":{`...)
	for _, name := range exaOrder {
		value, ok := attrs[name]
		if !ok {
			continue
		}
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		code, _ := attribute.Code(name)
		b = append(append(append(b, '"'), name...), `":{"flags":"`...)
		b = append(attribute.AppendFlags(b, attribute.DefaultFlags(code)), `","value":`...)
		b = append(append(b, value...), '}')
	}
	return append(b, `}}`...), nil
}

// exaOrder is how attributes are ordered, by their codes.
var exaOrder = []string{"ORIGIN", "ASPATH", "NEXTHOP", "MED", "LOCALPREF", "AGGREGATE", "AGGREGATOR", "COMMUNITY", "ORIGINATOR", "CLUSTER_LIST", "MP_REACH", "LARGE_COMMUNITY"}

// The attributes of ExaBGP that are known here; those of them whose value is a list; and those
// that have no spelling here, or concern ExaBGP alone, and do not say of which route the line
// is, as label, rd, path-information, split and withdraw do.
const exaKnown = "next-hop, origin, as-path, med, local-preference, atomic-aggregate, aggregator, community, originator-id, cluster-list and large-community"

var (
	exaLists  = []string{"as-path", "community", "large-community", "cluster-list", "extended-community", "attribute", "bgp-prefix-sid", "bgp-prefix-sid-srv6"}
	exaPassed = []string{"extended-community", "attribute", "aigp", "bgp-prefix-sid", "bgp-prefix-sid-srv6", "watchdog", "name"}
)

// numbers looks whether words can stand in JSON as they are.
func numbers(words ...string) error {
	for _, w := range words {
		if n, err := strconv.ParseUint(w, 10, 32); err != nil || w != strconv.FormatUint(n, 10) {
			return fmt.Errorf("%.40q is no number of 32 bits", w)
		}
	}
	return nil
}

// quoted is a list of texts.
func quoted(words []string) string {
	for i, w := range words {
		words[i] = strconv.Quote(w)
	}
	return "[" + strings.Join(words, ",") + "]"
}

// argument is the word, or the words in brackets, that follow a key.
func argument(words []string) (value, rest []string, err error) {
	if len(words) == 0 {
		return nil, nil, errors.New("it has no value")
	}
	end, ok := map[string]string{"[": "]", "(": ")"}[words[0]]
	if !ok {
		return words[:1:1], words[1:], nil
	}
	for i, w := range words {
		if w == end {
			return append([]string(nil), words[1:i]...), words[i+1:], nil
		}
	}
	return nil, nil, errors.New("its bracket is not closed")
}

// writeExa appends a line for each prefix of an UPDATE, and nothing for other
// types.
func (m *message) writeExa(dst []byte) ([]byte, error) {
	if m.typ != bgp.BGP_MSG_UPDATE {
		return dst, nil
	}
	data := nodeOf(m.data)
	if data.kind() == flow.Text { // it is the body
		body, err := writeHex(nil, data)
		var found spelling.Layout
		if err == nil {
			found, err = spelling.Find(body, session.Unknown.Layout, session.Unknown.Doubt)
		}
		if err != nil {
			return dst, err
		}
		data = node{raw: spelling.AppendUpdate(nil, body, found)}
	}
	attrs := data.get("attrs")
	start := len(dst)
	var problems []error // an event need not be right: a word of it must not become a line
	lines := func(action string, prefixes node, more string, err error) {
		for p := prefixes.parts(); p.next(); {
			if len(dst) > start {
				dst = append(dst, '\n')
			}
			prefix := p.text()
			if rest, ok := strings.CutPrefix(prefix, "#"); ok { // without its path identifier
				_, prefix, _ = strings.Cut(rest, "#")
			}
			if _, wrong := netip.ParsePrefix(prefix); wrong != nil {
				err = fmt.Errorf("%.50q is no prefix", prefix)
			}
			if err != nil {
				problems = append(problems, err)
				return
			}
			dst = append(append(append(append(dst, action...), " route "...), prefix...), more...)
		}
	}
	mp, unreach := attrs.get("MP_REACH").get("value"), attrs.get("MP_UNREACH").get("value")
	hop := attrs.get("NEXTHOP").get("value")
	if hop.kind() == flow.Null {
		hop = mp.get("nexthop")
	}
	announce := func(prefixes, hop node) {
		more, err := exaAttrs(attrs, hop)
		lines("announce", prefixes, more, err)
	}
	announce(data.get("reach"), hop)
	if strings.HasSuffix(mp.get("af").text(), "/UNICAST") {
		announce(mp.get("prefixes"), mp.get("nexthop"))
	}
	lines("withdraw", data.get("unreach"), "", nil)
	if strings.HasSuffix(unreach.get("af").text(), "/UNICAST") {
		lines("withdraw", unreach.get("prefixes"), "", nil)
	}
	return dst, errors.Join(problems...)
}

// exaAttrs spells what an announcement says of its prefix.
func exaAttrs(attrs, hop node) (string, error) {
	var b []byte
	if hop.kind() == flow.Text {
		if a, err := netip.ParseAddr(hop.text()); err != nil || a.Zone() != "" {
			return "", fmt.Errorf("its next hop %.50q is no address", hop.text())
		}
		b = append(append(b, " next-hop "...), hop.text()...)
	}
	if v := attrs.get("ORIGIN").get("value"); slices.Contains(spelling.Origins[:], v.text()) {
		b = append(append(b, " origin "...), v.text()...)
	}
	open := " as-path ["
	as := func(n node) {
		b = strconv.AppendInt(append(append(b, open...), ' '), n.scalar().Int(), 10)
		open = ""
	}
	for path := attrs.get("ASPATH").get("value").parts(); path.next(); {
		if path.kind() != flow.List {
			as(path.node)
			continue
		}
		for set := path.parts(); set.next(); {
			as(set.node)
		}
	}
	if open == "" {
		b = append(b, " ]"...)
	}
	for _, n := range [...][2]string{{"MED", " med "}, {"LOCALPREF", " local-preference "}} {
		if v := attrs.get(n[0]).get("value").scalar(); v.Kind() == flow.Int {
			b = strconv.AppendInt(append(b, n[1]...), v.Int(), 10)
		}
	}
	open = " community ["
	for list := attrs.get("COMMUNITY").get("value").parts(); list.next(); {
		name := list.text()
		if _, err := writeNumbers(nil, name, 16, 2); err != nil {
			return "", err
		}
		if known, ok := knownBy[name]; ok {
			name = known
		}
		b = append(append(append(b, open...), ' '), name...)
		open = ""
	}
	if open == "" {
		b = append(b, " ]"...)
	}
	return string(b), nil
}
