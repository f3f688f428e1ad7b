package listen

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/runtime/setting"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

func TestMain(m *testing.M) {
	// After a refused request net/http sleeps for half a second before it
	// closes the connection, lest the answer gets lost.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

const anyPort = "127.0.0.1:0"

func newSet(t *testing.T) (*Set, *observer.ObservedLogs) {
	t.Helper()
	core, logs := observer.New(zapcore.DebugLevel)
	s := New(zap.New(core))
	t.Cleanup(s.Close)
	return s, logs
}

func spec(address, path string) flow.ListenSpec {
	return flow.ListenSpec{Address: address, Path: path, Socket: setting.DefaultSocketOptions(), Timeout: time.Minute}
}

// says answers with its text and the parameter id.
type says string

func (s says) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "%s%s", string(s), r.PathValue("id"))
}

func handle(t *testing.T, s *Set, spec flow.ListenSpec, h http.Handler) *Route {
	t.Helper()
	r, err := s.Handle(t, spec, h)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// get returns status and body of a request over a connection of its own.
func get(t *testing.T, address, path string) string {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	r, err := (&http.Client{Transport: transport}).Get("http://" + address + path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(r.StatusCode, " ", strings.TrimSpace(string(body)))
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// closed waits until the other side ends the connection.
func closed(t *testing.T, c net.Conn) {
	t.Helper()
	_, err := io.Copy(io.Discard, c)
	if err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Fatal(err)
	}
}

func TestPaths(t *testing.T) {
	s, _ := newSet(t)
	address := flowtest.FreeAddress(t)
	for path, h := range map[string]says{"": "root", "/a": "a", "/networks/{id}": "network ", "/networks/all": "all", "/dir/": "dir"} {
		handle(t, s, spec(address, path), h)
	}
	for path, want := range map[string]string{
		"":                "200 root",
		"/":               "200 root",
		"/a?token=x":      "200 a",
		"/a/b":            "404 Not Found",
		"/b":              "404 Not Found",
		"/networks/7":     "200 network 7",
		"/networks/all":   "200 all",
		"/networks/a%2Fb": "200 network a/b",
		"/networks/7/8":   "404 Not Found",
		"/dir/":           "200 dir",
		"/dir/x":          "404 Not Found",
	} {
		if got := get(t, address, path); got != want {
			t.Errorf("GET %s: %q, want %q", path, got, want)
		}
	}
}

func TestTheListenerLivesAsLongAsItsRoutes(t *testing.T) {
	s, _ := newSet(t)
	address := flowtest.FreeAddress(t)
	a := handle(t, s, spec(address, "/a"), says("a"))
	b := handle(t, s, spec(address, "/b"), says("b"))
	if a.Addr() != address || b.Addr() != address {
		t.Errorf("bound to %s and %s", a.Addr(), b.Addr())
	}
	a.Close()
	a.Close()
	if got := get(t, address, "/a"); got != "404 Not Found" {
		t.Errorf("a closed route answers %q", got)
	}
	if got := get(t, address, "/b"); got != "200 b" {
		t.Errorf("the other route answers %q", got)
	}
	waiting := dial(t, address)
	b.Close()
	closed(t, waiting)
	if _, err := net.Dial("tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("the listener is still there: %v", err)
	}
	handle(t, s, spec(address, "/a"), says("again"))
	if got := get(t, address, "/a"); got != "200 again" {
		t.Errorf("after a new start: %q", got)
	}
}

func TestPortZeroIsAnotherPortEachTime(t *testing.T) {
	s, _ := newSet(t)
	a := handle(t, s, spec(anyPort, "/"), says("a"))
	b := handle(t, s, spec(anyPort, "/"), says("b"))
	if got := get(t, a.Addr(), "/") + ", " + get(t, b.Addr(), "/"); got != "200 a, 200 b" {
		t.Errorf("got %s", got)
	}
}

func TestWhatCannotBeHad(t *testing.T) {
	s, _ := newSet(t)
	taken, err := net.Listen("tcp", anyPort)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	address := flowtest.FreeAddress(t)
	handle(t, s, spec(address, "/a"), says("a"))
	handle(t, s, spec(address, "/networks/{id}"), says("a"))
	withTLS := spec(address, "/b")
	withTLS.TLS = &setting.TLSServer{}
	noFile := spec(anyPort, "/b")
	noFile.TLS = &setting.TLSServer{Cert: "no.cert", Key: "no.key"}
	for _, test := range []struct {
		spec flow.ListenSpec
		want string
	}{
		{spec(taken.Addr().String(), "/"), "listen " + taken.Addr().String() + ": address already in use: end the process that listens there, or choose another port (port 0 takes a free one)"},
		{spec("192.0.2.1:4242", "/"), "listen 192.0.2.1:4242: cannot assign requested address: no network interface of this machine has the address (0.0.0.0 stands for all)"},
		{spec(address, "/a"), "listen " + address + ": path /a is taken, or as good as taken, by another connector on this address: choose another path or port"},
		{spec(address, "/networks/{name}"), "listen " + address + ": path /networks/{name} is taken, or as good as taken, by another connector on this address: choose another path or port"},
		{withTLS, "listen " + address + ": another connector listens there with other tls settings: make them the same, or choose another port"},
		{noFile, "listen " + anyPort + ": cannot read no.cert: no such file or directory"},
		{spec(address, "b"), "listen " + address + `: path "b": a path starts with a slash`},
		{spec(address, "/a b"), "listen " + address + `: path "/a b": a path has no spaces, write %20`},
	} {
		_, err := s.Handle(t, test.spec, says(""))
		if err == nil || err.Error() != test.want {
			t.Errorf("got  %v\nwant %s", err, test.want)
		}
	}
	_, port, _ := net.SplitHostPort(address)
	if _, err := s.Handle(t, spec("localhost:"+port, "/c"), says("")); err == nil || !strings.HasSuffix(err.Error(), "another connector of this process listens on "+address+": to share it, write the address in the same way") {
		t.Errorf("got %v", err)
	}
	if _, err := s.Handle(t, spec(anyPort, "/{"), says("")); err == nil || !strings.Contains(err.Error(), "/{") {
		t.Errorf("got %v", err)
	}
}

// Who asks for a route that is about to come finds it.
func TestHold(t *testing.T) {
	s, _ := newSet(t)
	address := flowtest.FreeAddress(t)
	serve := s.Hold()
	handle(t, s, spec(address, "/a"), says("a"))
	early := dial(t, address)
	fmt.Fprint(early, "GET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	handle(t, s, spec(address, "/b"), says("b"))
	serve()
	if answer, err := io.ReadAll(early); err != nil || !strings.HasSuffix(string(answer), "\r\n\r\nb") {
		t.Errorf("got %q, %v", answer, err)
	}
}

func TestDrain(t *testing.T) {
	s, _ := newSet(t)
	a := handle(t, s, spec(anyPort, "/a"), says("a"))
	s.Drain()
	if got := get(t, a.Addr(), "/a"); got != "503 Service Unavailable" {
		t.Errorf("got %q", got)
	}
	if _, err := s.Handle(t, spec(anyPort, "/b"), says("b")); err == nil {
		t.Error("a new route is accepted")
	}
}

// hijack takes the connection over and echoes one line each.
func hijack(taken *sync.WaitGroup) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		taken.Go(func() {
			defer c.Close()
			for {
				line, err := rw.ReadString('\n')
				if err != nil {
					return
				}
				_, _ = c.Write([]byte(line))
			}
		})
	}
}

func TestHijackedConnectionsOutliveTheListener(t *testing.T) {
	s, _ := newSet(t)
	var taken sync.WaitGroup
	a := handle(t, s, spec(anyPort, "/a"), hijack(&taken))
	c := dial(t, a.Addr())
	r := bufio.NewReader(c)
	fmt.Fprintf(c, "GET /a HTTP/1.1\r\nHost: x\r\n\r\nbefore\n")
	for _, want := range []string{"before\n", "after\n"} {
		if got, err := r.ReadString('\n'); got != want {
			t.Fatalf("got %q, %v", got, err)
		}
		if want == "before\n" {
			a.Close()
			fmt.Fprint(c, "after\n")
		}
	}
	c.Close()
	taken.Wait()
}

func TestHalfOpenConnectionsTimeOut(t *testing.T) {
	s, logs := newSet(t)
	plain := spec(anyPort, "/")
	plain.Timeout = 50 * time.Millisecond
	secure := plain
	secure.TLS = certificate(t)
	p, sec := handle(t, s, plain, says("a")).Addr(), handle(t, s, secure, says("b")).Addr()
	for _, begin := range []string{"", "GET / HT", "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "} {
		c := dial(t, p)
		fmt.Fprint(c, begin)
		closed(t, c)
	}
	for _, begin := range []string{"", "\x16\x03\x01\x02\x00\x01"} {
		c := dial(t, sec)
		fmt.Fprint(c, begin)
		closed(t, c)
	}
	if logs.FilterMessage("a TLS handshake did not succeed").Len() == 0 {
		t.Error("nothing is logged about the handshakes")
	}
}

// Whatever a handler answers, net/http reads the body that was announced.
func TestABodyThatDoesNotComeTimesOut(t *testing.T) {
	s, _ := newSet(t)
	sp := spec(anyPort, "/")
	sp.Timeout = 50 * time.Millisecond
	r := handle(t, s, sp, says("root"))
	for _, path := range []string{"/", "/nothing"} {
		for _, body := range []string{"Content-Length: 1000", "Transfer-Encoding: chunked"} {
			c := dial(t, r.Addr())
			fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n", path, body)
			closed(t, c)
		}
	}
}

// However many handshakes somebody makes last: there are no more of them than may
// be, and whoever does not wait gets through.
func TestTheOldestHandshakeIsCut(t *testing.T) {
	s, logs := newSet(t)
	for name, secure := range map[string]*setting.TLSServer{"plain": nil, "TLS": certificate(t)} {
		sp := spec(anyPort, "/")
		sp.Handshakes, sp.TLS = 3, secure
		addr := handle(t, s, sp, says("root")).Addr()
		var slow []net.Conn
		for range 10 {
			c := dial(t, addr)
			fmt.Fprint(c, map[string]string{"plain": "GET / HTTP/1.1\r\nX: ", "TLS": "\x16\x03\x01"}[name])
			slow = append(slow, c)
		}
		for _, c := range slow[:7] {
			closed(t, c)
		}
		for _, c := range slow[7:] {
			_ = c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
			if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%s: one of the last is cut, too: %v", name, err)
			}
		}
		if secure == nil {
			if got := get(t, addr, "/"); got != "200 root" {
				t.Errorf("who does not wait gets %s", got)
			}
		}
	}
	if logs.FilterMessageSnippet("limits.max_handshakes").Len() == 0 {
		t.Error("nothing is logged about it")
	}
}

func TestAKeptConnectionTimesOut(t *testing.T) {
	s, _ := newSet(t)
	sp := spec(anyPort, "/")
	sp.Timeout = 50 * time.Millisecond
	c := dial(t, handle(t, s, sp, says("a")).Addr())
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	closed(t, c)
}

func TestGarbage(t *testing.T) {
	s, logs := newSet(t)
	secure := spec(anyPort, "/")
	secure.TLS = certificate(t)
	for _, address := range []string{
		handle(t, s, spec(anyPort, "/"), says("a")).Addr(),
		handle(t, s, secure, says("b")).Addr(),
	} {
		for range 50 {
			c := dial(t, address)
			garbage := make([]byte, 300)
			_, _ = rand.Read(garbage)
			_, _ = c.Write(append(garbage, "\r\n\r\n"...)) // it may be closed already
			_ = c.(*net.TCPConn).CloseWrite()
			closed(t, c)
		}
	}
	messages := map[string]bool{}
	for _, line := range logs.All() {
		messages[line.Message] = true
	}
	if len(messages) > 2 {
		t.Errorf("too many kinds of messages to limit them: %v", messages)
	}
	long := dial(t, handle(t, s, spec(anyPort, "/"), says("a")).Addr())
	fmt.Fprintf(long, "GET / HTTP/1.1\r\nX: %s\r\n\r\n", strings.Repeat("x", 2*maxHeader))
	if status, _ := bufio.NewReader(long).ReadString('\n'); !strings.Contains(status, "431") {
		t.Errorf("a long header is answered %q", status)
	}
}

func TestAPanicIsLogged(t *testing.T) {
	s, logs := newSet(t)
	a := handle(t, s, spec(anyPort, "/"), http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("ouch") }))
	c := dial(t, a.Addr())
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	closed(t, c)
	lines := logs.FilterMessage("a request ended in a panic").All()
	if len(lines) != 1 || !strings.Contains(fmt.Sprint(lines[0].ContextMap()["stack"]), "listen_test.go") {
		t.Errorf("logged %v", lines)
	}
}

func TestTLS(t *testing.T) {
	s, _ := newSet(t)
	sp := spec(flowtest.FreeAddress(t), "/a")
	sp.TLS = certificate(t)
	a := handle(t, s, sp, says("a"))
	same := sp
	same.Path, same.TLS = "/b", &setting.TLSServer{Cert: sp.TLS.Cert, Key: sp.TLS.Key}
	handle(t, s, same, says("b"))
	c, err := tls.Dial("tcp", a.Addr(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if p := c.ConnectionState().NegotiatedProtocol; p != "http/1.1" {
		t.Errorf("speaks %s", p)
	}
	fmt.Fprint(c, "GET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	answer, err := io.ReadAll(c)
	if err != nil || !strings.HasSuffix(string(answer), "\r\n\r\nb") {
		t.Errorf("got %q, %v", answer, err)
	}
}

func TestRenewedCertificates(t *testing.T) {
	s, logs := newSet(t)
	sp := spec(anyPort, "/")
	sp.TLS = certificate(t)
	a := handle(t, s, sp, says("a"))
	shown := func() string {
		c, err := tls.Dial("tcp", a.Addr(), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return string(c.ConnectionState().PeerCertificates[0].Raw)
	}
	renew := func(to, from setting.Path) {
		data, err := os.ReadFile(string(from))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(string(to), append(data, '\n'), 0o600); err != nil { // another size, whatever the clock says
			t.Fatal(err)
		}
	}
	old := shown()
	other := certificate(t)
	renew(sp.TLS.Cert, other.Cert)
	for range 2 {
		if shown() != old {
			t.Error("a certificate is shown whose key is not there yet")
		}
	}
	if n := logs.FilterMessageSnippet("cannot be used").Len(); n != 1 {
		t.Errorf("%d warnings", n)
	}
	renew(sp.TLS.Key, other.Key)
	if shown() == old {
		t.Error("the old certificate is still shown")
	}
	if err := os.Remove(string(sp.TLS.Key)); err != nil {
		t.Fatal(err)
	}
	if shown() == old {
		t.Error("the old certificate is back")
	}
}

func TestSocketOptions(t *testing.T) {
	s, _ := newSet(t)
	sp := spec(flowtest.FreeAddress(t), "/")
	sp.Backlog = 7
	sp.Socket = setting.SocketOptions{ReusePort: true}
	a := handle(t, s, sp, says("a"))
	if got := get(t, a.Addr(), "/"); got != "200 a" {
		t.Errorf("got %q", got)
	}
	other, _ := newSet(t)
	if _, err := other.Handle(t, sp, says("b")); err != nil {
		t.Errorf("reuse_port does not share the address: %v", err)
	}
}

// exhausted is a socket whose first calls of Accept fail.
type exhausted struct {
	net.Listener
	errs []error
}

func (e *exhausted) Accept() (net.Conn, error) {
	if len(e.errs) > 0 {
		err := e.errs[0]
		e.errs = e.errs[1:]
		return nil, err
	}
	return e.Listener.Accept()
}

func TestErrorsOfAcceptAreWaitedOut(t *testing.T) {
	l, err := net.Listen("tcp", anyPort)
	if err != nil {
		t.Fatal(err)
	}
	a := newAcceptor(&exhausted{l, []error{syscall.EMFILE, syscall.ENOBUFS, errors.New("odd")}}, setting.SocketOptions{}, zap.NewNop())
	dial(t, l.Addr().String())
	c, err := a.Accept()
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer cancel()
		if _, err := a.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("got %v", err)
		}
	}()
	_ = a.Close()
	<-ctx.Done()
}

// certificate makes one for localhost.
func certificate(t *testing.T) *setting.TLSServer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, kind string, der []byte) setting.Path {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return setting.Path(path)
	}
	return &setting.TLSServer{Cert: write("cert.pem", "CERTIFICATE", cert), Key: write("key.pem", "PRIVATE KEY", der)}
}

// Who has been waiting for the address must not be told that there is nothing.
func TestTheFirstRequestFindsItsRoute(t *testing.T) {
	for range 50 {
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", anyPort)
		if err != nil {
			t.Fatal(err)
		}
		address := l.Addr().String()
		_ = l.Close()
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				var c net.Conn
				for c == nil && t.Context().Err() == nil {
					c, _ = new(net.Dialer).DialContext(t.Context(), "tcp", address)
				}
				defer c.Close()
				fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", address)
				answer, err := io.ReadAll(c)
				if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200") {
					t.Errorf("%.40q, %v", answer, err)
				}
			})
		}
		s, _ := newSet(t)
		r, err := s.Handle(t, spec(address, ""), says("here"))
		if err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		r.Close()
	}
}
