package stream

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/runtime/setting"
)

// clientOf is a tcp_client of a server, which speaks in lines.
func clientOf(t *testing.T, url string, edit func(*TCPClientConfig)) (flow.Connector, *flowtest.Host) {
	t.Helper()
	config := Specs[1].Config().(*TCPClientConfig)
	config.CloseTimeout, config.ConnectTimeout = setting.Duration(patience), setting.Duration(patience)
	if err := config.URL.UnmarshalText([]byte(url)); err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		edit(config)
	}
	c, err := config.New()
	if err != nil {
		t.Fatal(err)
	}
	o := flowtest.Options{Shape: config.Shape()}
	o.Pre, o.Post = lines(t)
	return c, flowtest.NewHost(t, o)
}

func TestClientSendsAndReceives(t *testing.T) {
	l := upstream(t, "tcp", "127.0.0.1:0", func(nc net.Conn) { _, _ = io.Copy(nc, nc) })
	c, host := clientOf(t, l.Addr().String(), func(c *TCPClientConfig) { c.OnOpen = []setting.Secret{setting.SecretOf("hello\n")} })
	if err := host.Send(t.Context(), "queued before the connection"); err != nil {
		t.Fatal(err)
	}
	running := flowtest.Start(t, c, host)
	host.WaitOpen(1, nil)
	want := []string{"hello", "queued before the connection"}
	for i := range 1000 {
		want = append(want, fmt.Sprint("message ", i))
		if err := host.Send(t.Context(), want[len(want)-1]); err != nil {
			t.Fatal(err)
		}
	}
	// A graceful end waits for the answers to what was sent.
	if err := running.Stop(); err != nil {
		t.Fatal(err)
	}
	if got := flowtest.Texts(t, host.Out.Events()); !slices.Equal(got, want) {
		t.Errorf("%d messages came back, %q …", len(got), got[:min(3, len(got))])
	}
}

// Messages that a connection had not taken go to the next one, whole and in order.
func TestWhatAConnectionHasNotTakenGoesToTheNext(t *testing.T) {
	conns := make(chan net.Conn)
	done := make(chan struct{})
	l := upstream(t, "tcp", "127.0.0.1:0", func(nc net.Conn) {
		conns <- nc
		<-done
	})
	defer close(done)
	c, host := clientOf(t, l.Addr().String(), func(c *TCPClientConfig) { c.Queue.MaxEvents = 100_000; c.Queue.MaxBytes = 1 << 30 })
	first := flowtest.Start(t, c, host)
	nc := <-conns
	const n, size = 2000, 10_000
	for i := range n {
		if err := host.Send(t.Context(), fmt.Sprintf("%06d%s", i, strings.Repeat("x", size))); err != nil {
			t.Fatal(err)
		}
	}
	r := bufio.NewReaderSize(nc, 1<<20)
	have := 0 // whole lines that have come by the first one
	for ; have < 100; have++ {
		if _, err := r.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	_ = nc.(*net.TCPConn).SetLinger(0)
	_ = nc.Close()
	if err := first.Wait(); err == nil {
		t.Error("a connection that was cut is no error")
	}
	second := flowtest.Start(t, c, host)
	nc = <-conns
	r = bufio.NewReaderSize(nc, 1<<20)
	next := -1
	for next < n-1 {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		var i int
		if _, err := fmt.Sscanf(line[:6], "%06d", &i); err != nil || len(line) != 6+size+1 {
			t.Fatalf("%.20q … of %d bytes is no message", line, len(line))
		}
		if next >= 0 && i != next+1 {
			t.Fatalf("%d came after %d", i, next)
		}
		next = i
	}
	_ = nc.Close()
	_ = second.Wait()
}

func TestAServerThatEndsTheConnection(t *testing.T) {
	l := upstream(t, "tcp", "127.0.0.1:0", func(nc net.Conn) { _, _ = io.WriteString(nc, "one\nhalf") })
	c, host := clientOf(t, l.Addr().String(), nil)
	err := flowtest.Start(t, c, host).Wait()
	if err == nil || !strings.Contains(err.Error(), "closed the connection") {
		t.Errorf("Run returned %v", err)
	}
	if got := flowtest.Texts(t, host.Out.Events()); !slices.Equal(got, []string{"one", "half"}) {
		t.Errorf("%q came", got)
	}
}

func TestAnIdleClientIsMadeAnew(t *testing.T) {
	l := upstream(t, "tcp", "127.0.0.1:0", func(nc net.Conn) { _, _ = io.Copy(nc, nc) })
	c, host := clientOf(t, l.Addr().String(), func(c *TCPClientConfig) { c.Idle = setting.Duration(50 * time.Millisecond) })
	if err := flowtest.Start(t, c, host).Wait(); err == nil || !strings.Contains(err.Error(), "nothing was sent or received for 50ms") {
		t.Errorf("Run returned %v", err)
	}
}

func TestClientTLS(t *testing.T) {
	cert, files := secured(t)
	l := upstream(t, "tcp", "127.0.0.1:0", func(nc net.Conn) {
		s := tls.Server(nc, &tls.Config{Certificates: []tls.Certificate{cert.Certificate}})
		_, _ = io.Copy(s, s)
	})
	c, host := clientOf(t, "tls://"+l.Addr().String(), func(c *TCPClientConfig) { c.TLS = &setting.TLSClient{CAFile: files.Cert} })
	running := flowtest.Start(t, c, host)
	host.WaitOpen(1, nil)
	if err := host.Send(t.Context(), "secret"); err != nil {
		t.Fatal(err)
	}
	if e := host.Out.Wait(t, 1)[0]; !e.Origin.Peer.TLS {
		t.Error("it does not know that it speaks TLS")
	}
	if err := running.Stop(); err != nil {
		t.Error(err)
	}
	c, host = clientOf(t, "tls://"+l.Addr().String(), nil)
	if err := flowtest.Start(t, c, host).Wait(); err == nil || !strings.Contains(err.Error(), "certificate is not trusted") {
		t.Errorf("Run returned %v", err)
	}
}

func TestNobodyIsThere(t *testing.T) {
	c, host := clientOf(t, flowtest.FreeAddress(t), nil)
	if err := flowtest.Start(t, c, host).Wait(); err == nil || !strings.Contains(err.Error(), "connection refused") || !strings.HasPrefix(err.Error(), "connect to 127.0.0.1:") {
		t.Errorf("Run returned %v", err)
	}
}

func TestWhatIsWrongWithAConfiguration(t *testing.T) {
	for url, want := range map[string]string{
		"ws://a:1":      "not one of tcp and tls",
		"tls://a:1":     "needs a tls block",
		"tcp://a":       "has no port",
		"tcp://u:p@a:1": "no user",
		"tcp://a:1/x":   "ends with its port",
	} {
		c := Specs[0].Config().(*TCPServerConfig)
		if err := c.URL.UnmarshalText([]byte(url)); err != nil {
			t.Fatal(err)
		}
		_, err := c.New()
		if fe := (*setting.Error)(nil); err == nil || !strings.Contains(err.Error(), want) || !errors.As(err, &fe) || fe.Field != "url" {
			t.Errorf("%s: %v", url, err)
		}
	}
	c := Specs[1].Config().(*TCPClientConfig)
	_ = c.URL.UnmarshalText([]byte("tcp://a:1"))
	c.TLS, c.MaxPer = &setting.TLSClient{}, 1
	if _, err := c.New(); err == nil || !strings.Contains(err.Error(), "a tls block needs tls") || !strings.Contains(err.Error(), "max_connections needs per") {
		t.Errorf("New: %v", err)
	}
	u := Specs[2].Config().(*UnixServerConfig)
	u.Path, u.Mode = setting.Path(strings.Repeat("x", 108)), "0999"
	if _, err := u.New(); err == nil || !strings.Contains(err.Error(), "107 at most") || !strings.Contains(err.Error(), "no mode of a file") {
		t.Errorf("New: %v", err)
	}
}
