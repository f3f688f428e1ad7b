package deflate

import (
	"net/http"
	"strconv"
	"strings"
)

// Agreed are the parameters of permessage-deflate, as seen from this side.
type Agreed struct {
	Sends, Receives bool // with context takeover
	Bits            int  // a compressed message refers to 2^bits bytes before at most
}

const (
	extension = "permessage-deflate"
	ownReset  = "_no_context_takeover"
	ownBits   = "_max_window_bits"
	allBits   = 15
)

// Offer spells what a client offers that agrees to the same.
func (a Agreed) Offer() string {
	offer := extension
	if !a.Receives {
		offer += "; client" + ownReset
	}
	return offer
}

// Answer chooses the first of a client's offers that can be had, and says what is
// agreed and how the answer spells it; "" for nothing.
func (o *Options) Answer(h http.Header) (a Agreed, answer string) {
	if !o.On {
		return a, ""
	}
	for offer := range strings.SplitSeq(strings.Join(h.Values("Sec-WebSocket-Extensions"), ","), ",") {
		params, ok := parameters(offer)
		if !ok {
			continue
		}
		a = Agreed{Sends: o.ContextTakeover, Receives: o.ContextTakeover, Bits: allBits}
		if _, given := params["server"+ownReset]; given {
			a.Sends = false
		}
		if _, given := params["client"+ownReset]; given {
			a.Receives = false
		}
		answer = extension
		if !a.Sends {
			answer += "; server" + ownReset
		}
		if !a.Receives {
			answer += "; client" + ownReset
		}
		if bits, given := params["server"+ownBits]; given {
			a.Bits, _ = strconv.Atoi(bits)
			answer += "; server" + ownBits + "=" + bits
		}
		return a, answer
	}
	return Agreed{}, ""
}

// parameters are those of one offer; ok is false when it is for something else,
// or for what RFC 7692 does not know.
func parameters(offer string) (params map[string]string, ok bool) {
	name, rest, more := strings.Cut(offer, ";")
	if strings.TrimSpace(name) != extension {
		return nil, false
	}
	params = map[string]string{}
	if !more {
		return params, true
	}
	for p := range strings.SplitSeq(rest, ";") {
		name, value, hasValue := strings.Cut(p, "=")
		name, value = strings.TrimSpace(name), strings.Trim(strings.TrimSpace(value), `"`)
		side, what, _ := strings.Cut(name, "_")
		if _, twice := params[name]; twice || side != "client" && side != "server" {
			return nil, false
		}
		switch "_" + what {
		case ownReset:
			ok = !hasValue
		case ownBits:
			bits, err := strconv.Atoi(value)
			ok = err == nil && bits >= 8 && bits <= allBits && value[0] != '0' || !hasValue && side == "client"
		default:
			ok = false
		}
		if !ok {
			return nil, false
		}
		params[name] = value
	}
	return params, true
}

// Answered is what a server's answer to our offer says; the library has checked
// it. ok is false when the server does not compress.
func (o *Options) Answered(h http.Header) (a Agreed, ok bool) {
	answer := h.Get("Sec-WebSocket-Extensions")
	return Agreed{
		Sends:    o.ContextTakeover && !strings.Contains(answer, "client"+ownReset),
		Receives: o.ContextTakeover && !strings.Contains(answer, "server"+ownReset),
		Bits:     allBits,
	}, o.On && answer != ""
}
