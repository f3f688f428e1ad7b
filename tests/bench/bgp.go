package main

import (
	"context"
	"crypto/md5" // what OpenBMP makes its hashes with
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/osrg/gobgp/v4/pkg/packet/bgp"
	"github.com/osrg/gobgp/v4/pkg/packet/bmp"
)

// bgpUpdates are the messages of the case bgp, and what they are in OpenBMP's
// format: as many as there are values of MED in them, so that a message that
// is lost, doubled or out of order shows.
func bgpUpdates() (in, out [][]byte, err error) {
	for med := range 512 {
		message := fmt.Appendf(nil, `["R",%d,"2026-07-13T00:00:00.037","UPDATE",{"reach":["192.0.2.0/24","198.51.100.0/22"],"attrs":{"ORIGIN":{"flags":"T","value":"IGP"},`+
			`"ASPATH":{"flags":"T","value":[64501,3356,1299,174]},"NEXTHOP":{"flags":"T","value":"192.0.2.1"},"MED":{"flags":"O","value":%d},`+
			`"COMMUNITY":{"flags":"OT","value":["64501:100","64501:200","3356:2"]}}},{"PEER_IP":"192.0.2.1","PEER_AS":"64501","COLLECTOR":"rv2","ROUTER":"192.0.2.9"}]`, med+1, med)
		frame, err := openBMP(message)
		if err != nil {
			return nil, nil, err
		}
		in, out = append(in, message), append(out, frame)
	}
	return in, out, nil
}

// transcoder is the baseline of the case bgp: what one writes by hand, with
// GoBGP's packages, when BGP messages are to leave in another format than they came.
type transcoder struct {
	mu   sync.Mutex
	open map[*websocket.Conn]bool
}

// listen keeps a connection that hears everything.
func (t *transcoder) listen(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // the library has answered
	}
	defer c.CloseNow() //nolint:errcheck // closed by the peer as a rule
	t.mu.Lock()
	t.open[c] = true
	t.mu.Unlock()
	_, _, _ = c.Read(context.Background()) // until it leaves
	t.mu.Lock()
	delete(t.open, c)
	t.mu.Unlock()
}

// speak takes the messages of one connection.
func (t *transcoder) speak(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // the library has answered
	}
	defer c.CloseNow() //nolint:errcheck // closed by the peer as a rule
	for {
		_, message, err := c.Read(context.Background())
		if err != nil {
			return
		}
		frame, err := openBMP(message)
		if err != nil {
			continue
		}
		t.mu.Lock()
		for other := range t.open {
			_ = other.Write(context.Background(), websocket.MessageBinary, frame) // its own reader sees the end
		}
		t.mu.Unlock()
	}
}

// update is what the JSON of an UPDATE has, as far as it is used.
type update struct {
	Reach   []netip.Prefix `json:"reach"`
	Unreach []netip.Prefix `json:"unreach"`
	Attrs   struct {
		Origin    *attr[string]     `json:"ORIGIN"`
		ASPath    *attr[[]uint32]   `json:"ASPATH"`
		NextHop   *attr[netip.Addr] `json:"NEXTHOP"`
		MED       *attr[uint32]     `json:"MED"`
		LocalPref *attr[uint32]     `json:"LOCALPREF"`
		Community *attr[[]string]   `json:"COMMUNITY"`
	} `json:"attrs"`
}

type attr[T any] struct {
	Value T `json:"value"`
}

// openBMP makes an OpenBMP message of one in bgpipe's JSON format.
func openBMP(message []byte) ([]byte, error) {
	var (
		dir, at, kind string
		seq           int64
		u             update
		tags          struct{ PEER_IP, PEER_AS, COLLECTOR, ROUTER string } //nolint:revive // the names in the message
	)
	if err := json.Unmarshal(message, &[]any{&dir, &seq, &at, &kind, &u, &tags}); err != nil {
		return nil, err
	}
	if kind != "UPDATE" {
		return nil, errors.New("only UPDATEs are monitored")
	}
	when, err := time.Parse("2006-01-02T15:04:05.000", at)
	if err != nil {
		return nil, err
	}
	peer, err := netip.ParseAddr(tags.PEER_IP)
	if err != nil {
		return nil, err
	}
	as, err := strconv.ParseUint(tags.PEER_AS, 10, 32)
	if err != nil {
		return nil, err
	}
	body, err := u.message()
	if err != nil {
		return nil, err
	}
	head := bmp.NewBMPPeerHeader(bmp.BMP_PEER_TYPE_GLOBAL, 0, 0, peer, uint32(as), netip.IPv4Unspecified(), 0)
	monitoring, err := bmp.NewBMPRouteMonitoring(*head, body).Serialize()
	if err != nil {
		return nil, err
	}
	// GoBGP has times as floats, which do not hold all microseconds.
	seconds, micros := uint32(when.Unix()), uint32(when.Nanosecond()/1000)
	binary.BigEndian.PutUint32(monitoring[bmp.BMP_HEADER_SIZE+34:], seconds)
	binary.BigEndian.PutUint32(monitoring[bmp.BMP_HEADER_SIZE+38:], micros)

	collector, router := md5.Sum([]byte(tags.COLLECTOR)), md5.Sum([]byte(tags.ROUTER))
	address, err := netip.ParseAddr(tags.ROUTER)
	if err != nil || !address.Is4() {
		return nil, errors.New("the router has no IPv4 address")
	}
	length := 78 + len(tags.COLLECTOR) + len(tags.ROUTER)
	b := make([]byte, 0, length+len(monitoring))
	b = append(b, "OBMP\x01\x07"...)
	b = binary.BigEndian.AppendUint16(b, uint16(length))
	b = binary.BigEndian.AppendUint32(b, uint32(len(monitoring)))
	b = append(b, 0x80, 12)
	b = binary.BigEndian.AppendUint32(b, seconds)
	b = binary.BigEndian.AppendUint32(b, micros)
	b = append(b, collector[:]...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(tags.COLLECTOR)))
	b = append(b, tags.COLLECTOR...)
	b = append(b, router[:]...)
	b = append(append(b, make([]byte, 12)...), address.AsSlice()...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(tags.ROUTER)))
	b = append(b, tags.ROUTER...)
	b = binary.BigEndian.AppendUint32(b, 1)
	return append(b, monitoring...), nil
}

// message is the UPDATE as GoBGP has it.
func (u *update) message() (*bgp.BGPMessage, error) {
	withdrawn, err := nlri(u.Unreach)
	if err != nil {
		return nil, err
	}
	reach, err := nlri(u.Reach)
	if err != nil {
		return nil, err
	}
	var attrs []bgp.PathAttributeInterface
	if a := u.Attrs.Origin; a != nil {
		attrs = append(attrs, bgp.NewPathAttributeOrigin(map[string]uint8{"IGP": 0, "EGP": 1, "INCOMPLETE": 2}[a.Value]))
	}
	if a := u.Attrs.ASPath; a != nil {
		attrs = append(attrs, bgp.NewPathAttributeAsPath([]bgp.AsPathParamInterface{bgp.NewAs4PathParam(bgp.BGP_ASPATH_ATTR_TYPE_SEQ, a.Value)}))
	}
	if a := u.Attrs.NextHop; a != nil {
		hop, err := bgp.NewPathAttributeNextHop(a.Value)
		if err != nil {
			return nil, err
		}
		attrs = append(attrs, hop)
	}
	if a := u.Attrs.MED; a != nil {
		attrs = append(attrs, bgp.NewPathAttributeMultiExitDisc(a.Value))
	}
	if a := u.Attrs.LocalPref; a != nil {
		attrs = append(attrs, bgp.NewPathAttributeLocalPref(a.Value))
	}
	if a := u.Attrs.Community; a != nil {
		list := make([]uint32, len(a.Value))
		for i, s := range a.Value {
			high, low, _ := strings.Cut(s, ":")
			x, err := strconv.ParseUint(high, 10, 16)
			if err != nil {
				return nil, err
			}
			y, err := strconv.ParseUint(low, 10, 16)
			if err != nil {
				return nil, err
			}
			list[i] = uint32(x<<16 | y)
		}
		attrs = append(attrs, bgp.NewPathAttributeCommunities(list))
	}
	return bgp.NewBGPUpdateMessage(withdrawn, attrs, reach), nil
}

func nlri(prefixes []netip.Prefix) ([]bgp.PathNLRI, error) {
	list := make([]bgp.PathNLRI, len(prefixes))
	for i, p := range prefixes {
		n, err := bgp.NewIPAddrPrefix(p)
		if err != nil {
			return nil, err
		}
		list[i] = bgp.PathNLRI{NLRI: n}
	}
	return list, nil
}
