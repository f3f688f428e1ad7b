package acceptance

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/tests/process"
)

// receives, in the environment, makes this program a receiver: address and file.
const receives = "FLOWRUN_TEST_RECEIVER"

// receive is a server that appends what it receives to a file, a line per message: by
// WebSocket, each before it answers a ping that came behind it; by POST, before it
// answers. A file outlives its writer's kill.
func receive(address, path string) error {
	to, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	fmt.Println("listening")
	write := func(line []byte) {
		if _, err := to.Write(append(line, '\n')); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	server := &http.Server{ReadHeaderTimeout: patience, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return
			}
			write(body)
			return
		}
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		for {
			_, data, err := c.Read(context.Background()) // answers pings
			if err != nil {
				return
			}
			write(data)
		}
	})}
	return server.Serve(l)
}

// receiver is a server in a process of its own, which can be stopped,
// killed and started again.
type receiver struct {
	t       *testing.T
	address string
	path    string // of what it has received
	process *process.Process
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{t: t, address: flowtest.FreeAddress(t), path: filepath.Join(t.TempDir(), "received")}
	r.start()
	return r
}

func (r *receiver) start() {
	r.t.Helper()
	self, err := os.Executable()
	if err != nil {
		r.t.Fatal(err)
	}
	p, err := process.Start(r.t.Context(), process.Options{Env: []string{receives + "=" + r.address + " " + r.path}}, self)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(p.Kill)
	if err := p.Stdout.Wait(withPatience(r.t), func(text string) bool { return strings.Contains(text, "listening") }); err != nil {
		r.t.Fatalf("%v: %s%s", err, p.Stdout, p.Stderr)
	}
	r.process = p
}

// restart kills it, and starts another one.
func (r *receiver) restart() {
	r.t.Helper()
	r.process.Kill()
	r.start()
}

// pause stops the process for a while; its system goes on taking connections and bytes.
func (r *receiver) pause(d time.Duration) {
	r.t.Helper()
	r.signal(syscall.SIGSTOP)
	<-time.After(d)
	r.signal(syscall.SIGCONT)
}

func (r *receiver) signal(s syscall.Signal) {
	r.t.Helper()
	if err := r.process.Signal(s); err != nil {
		r.t.Fatal(err)
	}
}

// messages are those received so far.
func (r *receiver) messages() []string {
	text, err := os.ReadFile(r.path)
	if err != nil {
		r.t.Error(err)
	}
	lines := strings.Split(string(text), "\n")
	return lines[:len(lines)-1]
}
