package udp

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/runtime/setting"
)

// receiver is a socket that takes what clients send.
type receiver struct {
	*net.UDPConn
	t *testing.T
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetReadDeadline(time.Now().Add(patience))
	return &receiver{c, t}
}

// want reads these datagrams, and no others.
func (r *receiver) want(texts ...string) {
	r.t.Helper()
	buf := make([]byte, 65_536)
	for _, text := range texts {
		if n, err := r.Read(buf); err != nil || string(buf[:n]) != text {
			r.t.Fatalf("%.60q came, %v; want %.60q", buf[:n], err, text)
		}
	}
}

func clientOf(t *testing.T, addr string, edit func(*ClientConfig)) (*client, *flowtest.Host) {
	t.Helper()
	config := clientConfig(t, addr)
	if edit != nil {
		edit(config)
	}
	c, err := config.New()
	if err != nil {
		t.Fatal(err)
	}
	return c.(*client), flowtest.NewHost(t, flowtest.Options{Shape: config.Shape()})
}

// connect runs a session over a socket, which it returns.
func connect(t *testing.T, c *client, host *flowtest.Host) (conn *net.UDPConn, s *session, ended <-chan error) {
	t.Helper()
	nc, err := net.Dial("udp", c.config.URL.Addr())
	if err != nil {
		t.Fatal(err)
	}
	conn = nc.(*net.UDPConn)
	s = &session{client: c, host: host, conn: conn, woken: make(chan struct{})}
	done := make(chan error, 1)
	opened := host.Opened()
	go func() { done <- s.run(t.Context()) }()
	host.WaitOpen(opened+1, nil)
	return conn, s, done
}

func persistent(dir string) func(*ClientConfig) {
	return func(c *ClientConfig) { c.Queue.Persistent = setting.Path(dir) }
}

// TestASocketThatCannotSendIsReplaced: nothing is lost by it, and nothing comes twice.
func TestASocketThatCannotSendIsReplaced(t *testing.T) {
	for name, edit := range map[string]func(*ClientConfig){
		"memory":     nil,
		"persistent": persistent(filepath.Join(t.TempDir(), "q")),
	} {
		t.Run(name, func(t *testing.T) {
			r := newReceiver(t)
			c, host := clientOf(t, r.LocalAddr().String(), edit)
			send := func(texts ...string) {
				t.Helper()
				if err := host.Send(t.Context(), texts...); err != nil {
					t.Fatal(err)
				}
			}
			send("0") // there is no socket yet
			conn, _, ended := connect(t, c, host)
			send("1", "")
			r.want("0", "1", "")
			raw, err := conn.SyscallConn()
			if err != nil {
				t.Fatal(err)
			}
			if err := raw.Control(func(fd uintptr) { _ = syscall.Shutdown(int(fd), syscall.SHUT_WR) }); err != nil {
				t.Fatal(err)
			}
			send("2", "3")
			select {
			case err := <-ended:
				if err == nil || !strings.Contains(err.Error(), "send to") || !strings.Contains(err.Error(), "broken pipe") {
					t.Errorf("it ended with %v", err)
				}
			case <-time.After(patience):
				t.Fatal("nobody has noticed that the socket cannot send")
			}
			send("4")
			_, s, ended := connect(t, c, host)
			r.want("2", "3", "4")
			s.Disconnect(flow.ErrSlow)
			<-ended
			flowtest.Until(t, "who wrote the last ones has counted them", func() bool { return host.Table.Stats().Waiting == 0 })
			if got := host.Table.Stats(); got.EventsOut != 6 || got.Lost+got.Dropped+got.Failed > 0 {
				t.Errorf("%+v", got)
			}
		})
	}
}

// What the system sends nobody does not stand before what it does.
func TestADatagramThatTheSystemDoesNotSend(t *testing.T) {
	r := newReceiver(t)
	c, host := clientOf(t, r.LocalAddr().String(), nil)
	_, s, ended := connect(t, c, host)
	frames := []flow.Frame{{Data: []byte("before")}, {Data: make([]byte, longest+1)}, {Data: []byte("behind")}}
	if err := s.Write(t.Context(), frames, false); err != nil {
		t.Errorf("Write: %v", err)
	}
	r.want("before", "behind")
	if n := host.Logs.FilterMessageSnippet("longer than this system sends").Len(); n != 1 {
		t.Errorf("told %d times", n)
	}
	s.Disconnect(flow.ErrSlow)
	<-ended
}

// TestAQueueOnTheDiskOutlivesItsProcess, and what is in it goes out oldest first.
func TestAQueueOnTheDiskOutlivesItsProcess(t *testing.T) {
	r := newReceiver(t)
	dir := filepath.Join(t.TempDir(), "q")
	var all []string
	for i := range 3 {
		_, host := clientOf(t, r.LocalAddr().String(), persistent(dir))
		some := []string{fmt.Sprint("a", i), fmt.Sprint("b", i), fmt.Sprint("c", i)}
		if err := host.Send(t.Context(), some...); err != nil {
			t.Fatal(err)
		}
		all = slices.Concat(all, some)
		host.Table.Close(flow.ErrClosed)
		if s := host.Table.Stats(); s.Lost != 0 {
			t.Errorf("%d are lost", s.Lost)
		}
	}
	c, host := clientOf(t, r.LocalAddr().String(), persistent(dir))
	running := flowtest.Start(t, c, host)
	r.want(all...)
	if err := running.Stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if s := host.Table.Stats(); s.EventsOut != 9 || s.Confirmed != 9 || s.Waiting > 0 {
		t.Errorf("%+v", s)
	}
}

// A client that ends takes the answers that are on their way.
func TestAGracefulEndWaitsForAnswers(t *testing.T) {
	r := newReceiver(t)
	c, host := clientOf(t, r.LocalAddr().String(), nil)
	c.within, c.atMost = patience, patience // it is this test that ends it
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx, host) }()
	if err := host.Send(ctx, "question"); err != nil {
		t.Fatal(err)
	}
	_, from, err := r.ReadFromUDP(make([]byte, 100))
	if err != nil {
		t.Fatal(err)
	}
	end()
	for i, answer := range []string{"one", "two"} {
		if _, err := r.WriteToUDP([]byte(answer), from); err != nil {
			t.Fatal(err)
		}
		if got := flowtest.Texts(t, host.Out.Wait(t, i+1)); got[i] != answer {
			t.Errorf("%q came, want %q", got[i], answer)
		}
	}
	host.Drop()
	if _, err := r.WriteToUDP([]byte("it waits no longer"), from); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
}

// A sender that could once not be answered is no sender that is never answered.
func TestAPeerThatCannotBeWrittenToIsForgotten(t *testing.T) {
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	p := &peer{conn: c}
	if err := p.Write(context.Background(), []flow.Frame{{Data: []byte("x")}}, false); err == nil {
		t.Error("a closed socket has sent")
	}
	if why := p.unwanted.Load(); why == nil || *why != flow.EndedLost {
		t.Errorf("unwanted: %v", why)
	}
}
