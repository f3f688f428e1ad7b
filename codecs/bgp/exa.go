package bgp

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/osrg/gobgp/v4/pkg/packet/bgp"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
)

// wellKnown are the communities that ExaBGP has names for.
var wellKnown = map[string]string{
	"no-export": "65535:65281", "no-advertise": "65535:65282", "no-export-subconfed": "65535:65283",
	"no-peer": "65535:65284", "blackhole": "65535:666",
}

// readExa reads a line of ExaBGP's API.
func (m *message) readExa(b []byte) error {
	line := strings.TrimSpace(string(b))
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
	m.data, err = jsontext.Parse(data)
	if err == nil {
		_, err = bodyOf(m.typ, m.data, false)
	}
	return err
}

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
		value, rest, err := argument(words[1:])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		words = rest
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
		case "med":
			attrs["MED"] = value[0]
		case "local-preference":
			attrs["LOCALPREF"] = value[0]
		case "community":
			for i, c := range value {
				if n, ok := wellKnown[strings.ReplaceAll(strings.ToLower(c), "_", "-")]; ok {
					c = n
				}
				value[i] = strconv.Quote(c)
			}
			attrs["COMMUNITY"] = "[" + strings.Join(value, ",") + "]"
		default:
			return nil, fmt.Errorf("there is no attribute %.40q here: next-hop, origin, as-path, med, local-preference and community are known", key)
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
	for _, name := range []string{"ORIGIN", "ASPATH", "NEXTHOP", "MED", "LOCALPREF", "COMMUNITY", "MP_REACH"} {
		value, ok := attrs[name]
		if !ok {
			continue
		}
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		code, _ := attrCode(name)
		b = append(append(append(b, '"'), name...), `":{"flags":"`...)
		b = append(appendFlags(b, defaultFlags(code)), `","value":`...)
		b = append(append(b, value...), '}')
	}
	return append(b, `}}`...), nil
}

// argument is the word, or the words in brackets, that follow a key.
func argument(words []string) (value, rest []string, err error) {
	if len(words) == 0 {
		return nil, nil, errors.New("it has no value")
	}
	if words[0] != "[" {
		return words[:1:1], words[1:], nil
	}
	for i, w := range words {
		if w == "]" {
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
	data := m.data
	if data.Kind() == flow.Text { // it is the body
		body, err := unhex(data)
		if err == nil {
			err = checkUpdate(body, false)
		}
		if err != nil {
			return dst, err
		}
		data = lazyBody(m.typ, body, false, false)
	}
	get := func(v flow.Value, path ...string) flow.Value {
		for _, key := range path {
			v, _ = v.Object().Get(key)
		}
		return v
	}
	attrs := get(data, "attrs")
	start := len(dst)
	line := func(action string, prefix flow.Value, more string) {
		if len(dst) > start {
			dst = append(dst, '\n')
		}
		p := prefix.Text()
		if rest, ok := strings.CutPrefix(p, "#"); ok { // without its path identifier
			_, p, _ = strings.Cut(rest, "#")
		}
		dst = append(append(append(append(dst, action...), " route "...), p...), more...)
	}
	hop := get(attrs, "NEXTHOP", "value")
	mp, unreach := get(attrs, "MP_REACH", "value"), get(attrs, "MP_UNREACH", "value")
	if hop.IsNull() {
		hop = get(mp, "nexthop")
	}
	more := exaAttrs(attrs, hop)
	for _, p := range get(data, "reach").List() {
		line("announce", p, more)
	}
	if strings.HasSuffix(get(mp, "af").Text(), "/UNICAST") {
		for _, p := range get(mp, "prefixes").List() {
			line("announce", p, exaAttrs(attrs, get(mp, "nexthop")))
		}
	}
	for _, p := range get(data, "unreach").List() {
		line("withdraw", p, "")
	}
	if strings.HasSuffix(get(unreach, "af").Text(), "/UNICAST") {
		for _, p := range get(unreach, "prefixes").List() {
			line("withdraw", p, "")
		}
	}
	return dst, nil
}

// exaAttrs spells what an announcement says of its prefix.
func exaAttrs(attrs, hop flow.Value) string {
	var b strings.Builder
	if hop.Kind() == flow.Text {
		b.WriteString(" next-hop " + hop.Text())
	}
	value := func(name string) flow.Value {
		attr, _ := attrs.Object().Get(name)
		v, _ := attr.Object().Get("value")
		return v
	}
	if v := value("ORIGIN"); v.Kind() == flow.Text && !strings.HasPrefix(v.Text(), "0x") {
		b.WriteString(" origin " + v.Text())
	}
	var path []string
	for _, x := range value("ASPATH").List() {
		if x.Kind() != flow.List {
			path = append(path, strconv.FormatInt(x.Int(), 10))
		}
		for _, y := range x.List() {
			path = append(path, strconv.FormatInt(y.Int(), 10))
		}
	}
	if len(path) > 0 {
		b.WriteString(" as-path [ " + strings.Join(path, " ") + " ]")
	}
	for _, n := range [][2]string{{"MED", " med "}, {"LOCALPREF", " local-preference "}} {
		if v := value(n[0]); v.Kind() == flow.Int {
			b.WriteString(n[1] + strconv.FormatInt(v.Int(), 10))
		}
	}
	if list := value("COMMUNITY").List(); len(list) > 0 {
		b.WriteString(" community [")
		for _, c := range list {
			name := c.Text()
			for known, number := range wellKnown {
				if number == name {
					name = known
				}
			}
			b.WriteString(" " + name)
		}
		b.WriteString(" ]")
	}
	return b.String()
}
