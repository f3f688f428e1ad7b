package listen

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/flowtest"
)

// remote answers with the address that the request comes from.
var remote = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.RemoteAddr) })

// v2 is a header of version 2 of the PROXY protocol, for TCP over IPv4.
func v2(command byte, from string, port uint16, rest string) string {
	a := netip.MustParseAddr(from).As4()
	addresses := append(append([]byte{}, a[:]...), 127, 0, 0, 1)
	addresses = binary.BigEndian.AppendUint16(addresses, port)
	addresses = binary.BigEndian.AppendUint16(addresses, 80)
	addresses = append(addresses, rest...)
	head := binary.BigEndian.AppendUint16([]byte("\r\n\r\n\x00\r\nQUIT\n"+string([]byte{0x20 | command, 0x11})), uint16(len(addresses)))
	return string(head) + string(addresses)
}

func TestProxyProtocol(t *testing.T) {
	s, logs := newSet(t)
	sp := spec(anyPort, "/")
	sp.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	address := handle(t, s, sp, remote).Addr()
	for _, test := range []struct{ header, want string }{
		{"PROXY TCP4 192.0.2.7 10.0.0.1 56324 443\r\n", "192.0.2.7:56324"},
		{"PROXY TCP6 2001:db8::7 ::1 56324 443\r\n", "[2001:db8::7]:56324"},
		{"PROXY UNKNOWN\r\n", "127.0.0.1:"},
		{v2(1, "192.0.2.8", 4711, ""), "192.0.2.8:4711"},
		{v2(1, "192.0.2.8", 4711, "\x04\x00\x01x"), "192.0.2.8:4711"}, // with more behind the addresses
		{v2(0, "192.0.2.8", 4711, ""), "127.0.0.1:"},                  // LOCAL: the proxy itself looks whether we are there
		{"", ""},
		{"PROXY TCP4 x y 1 2\r\n", ""},
		{"PROXY TCP4 " + strings.Repeat("1", 200) + "\r\n", ""},
		{"\r\n\r\n\x00\r\nQUIT\n\x21\x11\xff\xff", ""},
		{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03aaaaaaaaaaa", ""},
	} {
		c := dial(t, address)
		fmt.Fprint(c, test.header+"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		answer, _ := io.ReadAll(c) // some are cut
		_, got, _ := strings.Cut(string(answer), "\r\n\r\n")
		if !strings.HasPrefix(got, test.want) || (got == "") != (test.want == "") {
			t.Errorf("%q: %q, want %q", test.header, got, test.want)
		}
	}
	if n := logs.FilterMessage("a trusted proxy has sent no header of the PROXY protocol").Len(); n != 5 {
		t.Errorf("%d lines of log", n)
	}
	// A header that comes in pieces is read all the same, and one that does
	// not come is waited for as long as for a handshake.
	c := dial(t, address)
	for _, piece := range []string{"PRO", "XY TCP4 192.0.2.7 10.0.0.1 56324 4", "43\r", "\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"} {
		fmt.Fprint(c, piece)
	}
	if line, err := bufio.NewReader(c).ReadString('\n'); !strings.Contains(line, "200") {
		t.Errorf("%q, %v", line, err)
	}
	sp.Timeout = 20 * time.Millisecond
	closed(t, dial(t, handle(t, s, sp, remote).Addr()))
}

// TestOnlyTrustedProxiesSayWhoTheyAre sends a header from where none is
// expected.
func TestOnlyTrustedProxiesSayWhoTheyAre(t *testing.T) {
	s, _ := newSet(t)
	sp := spec(anyPort, "/")
	sp.Proxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	address := handle(t, s, sp, remote).Addr()
	if got := get(t, address, "/"); !strings.HasPrefix(got, "200 127.0.0.1:") {
		t.Errorf("without a header: %q", got)
	}
	c := dial(t, address)
	fmt.Fprint(c, "PROXY TCP4 192.0.2.7 10.0.0.1 56324 443\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if line, err := bufio.NewReader(c).ReadString('\n'); !strings.Contains(line, "400") {
		t.Errorf("%q, %v", line, err)
	}
}

func TestProxiesMustAgree(t *testing.T) {
	s, _ := newSet(t)
	address := flowtest.FreeAddress(t)
	handle(t, s, spec(address, "/a"), remote)
	other := spec(address, "/b")
	other.Proxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	if _, err := s.Handle(t, other, remote); err == nil || !strings.Contains(err.Error(), "other settings of proxy_protocol") {
		t.Errorf("got %v", err)
	}
}

// TestTheSocketBelowAProxyHeader is what connectors read that take a connection
// over: it begins right behind the request.
func TestTheSocketBelowAProxyHeader(t *testing.T) {
	s, _ := newSet(t)
	sp := spec(anyPort, "/")
	sp.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	taken := make(chan net.Conn, 1)
	c := dial(t, handle(t, s, sp, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		taken <- conn
	})).Addr())
	fmt.Fprint(c, v2(1, "192.0.2.8", 4711, "")+"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	conn := <-taken
	defer conn.Close()
	fmt.Fprint(c, "rest")
	buf := make([]byte, 9)
	n, err := conn.(*beginning).tcpConn.(*proxied).TCPConn.Read(buf)
	if string(buf[:n]) != "rest" {
		t.Errorf("%q, %v", buf[:n], err)
	}
}

func FuzzProxyHeader(f *testing.F) {
	f.Add("PROXY TCP4 192.0.2.7 10.0.0.1 56324 443\r\n")
	f.Add(v2(1, "192.0.2.8", 4711, "abc"))
	f.Fuzz(func(t *testing.T, text string) {
		r := strings.NewReader(text + "rest")
		header, err := readProxyHeader(r)
		if err != nil {
			return
		}
		if from, _, ok := header.TCPAddrs(); ok && from == nil {
			t.Error("no address")
		}
		if again, err := readProxyHeader(strings.NewReader((text + "rest")[:len(text)+4-r.Len()])); err != nil || !again.EqualsTo(header) {
			t.Errorf("more was read than the header: %v", err)
		}
	})
}

// TestProxyProtocolBelowTLS has the header come before the handshake, from a
// proxy that passes TLS on as it is.
func TestProxyProtocolBelowTLS(t *testing.T) {
	s, _ := newSet(t)
	sp := spec(anyPort, "/")
	sp.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	sp.TLS = certificate(t)
	c := dial(t, handle(t, s, sp, remote).Addr())
	fmt.Fprint(c, "PROXY TCP4 192.0.2.7 10.0.0.1 56324 443\r\n")
	secure := tls.Client(c, &tls.Config{InsecureSkipVerify: true})
	fmt.Fprint(secure, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	if answer, err := io.ReadAll(secure); err != nil || !strings.HasSuffix(string(answer), "\r\n\r\n192.0.2.7:56324") {
		t.Errorf("%q, %v", answer, err)
	}
}
