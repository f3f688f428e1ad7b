package capability

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// names are the names of capabilities, by their codes.
var names = map[uint8]string{
	1: "MP", 2: "ROUTE_REFRESH", 3: "OUTBOUND_FILTERING", 5: "EXTENDED_NEXTHOP", 6: "EXTENDED_MESSAGE", 7: "BGPSEC",
	8: "MULTIPLE_LABELS", 9: "ROLE", 64: "GRACEFUL_RESTART", 65: "AS4", 67: "DYNAMIC", 68: "MULTISESSION", 69: "ADDPATH",
	70: "ENHANCED_ROUTE_REFRESH", 71: "LLGR", 72: "ROUTING_POLICY", 73: "FQDN", 74: "BFD", 75: "VERSION", 128: "PRE_ROUTE_REFRESH",
}

// How the body of an OPEN begins, and where its capabilities are.
const (
	OpenHead    = 10  // bytes: version, AS number, hold time, identifier, length of parameters
	ParamCaps   = 2   // the parameter that has capabilities
	ParamExtend = 255 // instead of a length: lengths have two bytes (RFC 9072)
)

// Offered is one capability, as it stands in an OPEN.
type Offered struct {
	Code  uint8
	Value []byte
}

// Of finds the capabilities of the body of an OPEN, which has OpenHead bytes at least. It
// is false where there are other parameters, or none can be found.
func Of(body []byte) (caps []Offered, ok bool) {
	params, width := body[OpenHead:], 1
	n := int(body[OpenHead-1])
	if len(params) >= 3 && params[0] == ParamExtend && n == ParamExtend {
		n, params, width = int(binary.BigEndian.Uint16(params[1:])), params[3:], 2
	}
	if n != len(params) {
		return nil, false
	}
	for len(params) > 0 {
		if len(params) < 1+width || params[0] != ParamCaps {
			return nil, false
		}
		n := int(params[1])
		if width == 2 {
			n = int(binary.BigEndian.Uint16(params[1:]))
		}
		if params = params[1+width:]; n > len(params) {
			return nil, false
		}
		list := params[:n]
		params = params[n:]
		for len(list) > 0 {
			if len(list) < 2 || len(list) < 2+int(list[1]) {
				return nil, false
			}
			caps = append(caps, Offered{list[0], list[2 : 2+list[1]]})
			list = list[2+list[1]:]
		}
	}
	return caps, true
}

// Name is the name of a capability: CAP_ and its code for one that has none.
func Name(code uint8) string {
	if name := names[code]; name != "" {
		return name
	}
	return "CAP_" + strconv.Itoa(int(code))
}

// Code is the code of a capability of that name.
func Code(name string) (uint8, error) {
	for code, n := range names {
		if n == name {
			return code, nil
		}
	}
	if digits, ok := strings.CutPrefix(name, "CAP_"); ok {
		if n, err := strconv.ParseUint(digits, 10, 8); err == nil {
			return uint8(n), nil
		}
	}
	return 0, fmt.Errorf("%.40q is no name of a capability: one without a name is CAP_ and its number", name)
}
