package socket

import (
	"crypto/tls"
	"io"
	"net"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flowrun/flowrun/connectors/ws/internal/frame"
	"github.com/flowrun/flowrun/runtime/flow"
)

// A message is delivered when its last byte is there, and its reply leaves
// then, also when that byte comes alone, as in a TLS record of its own.
func TestTheLastByteMayComeAlone(t *testing.T) {
	here, there := net.Pipe() // whose reads do not reach beyond a write
	c := New(here, nil, NewGroup(Options{MaxMessage: 1000, MaxFragments: 10, WriteTimeout: 20 * time.Second}))
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = c.Receive(owner(func(frames []flow.Frame) { _ = c.Write(t.Context(), frames, true) }))
	}()
	hello := frame.Append(nil, frame.Text, []byte("hello"), &[4]byte{1, 2, 3, 4})
	_ = there.SetDeadline(time.Now().Add(20 * time.Second))
	for range 3 {
		for _, part := range [][]byte{hello[:1], hello[1:6], hello[6 : len(hello)-1], hello[len(hello)-1:]} {
			if _, err := there.Write(part); err != nil {
				t.Fatal(err)
			}
		}
		var got [7]byte
		if _, err := io.ReadFull(there, got[:]); err != nil || string(got[2:]) != "hello" {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	_ = there.Close()
	<-done
	_ = here.Close()
}

// The end of a connection over TLS does not wait for a peer that does not read.
func TestTLSHangsUpOnWhoDoesNotRead(t *testing.T) {
	certificates := httptest.NewTLSServer(nil)
	certificates.Close()
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		client := tls.Client(there, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // it is not about the certificate
		shaken := make(chan error, 1)
		go func() { shaken <- client.HandshakeContext(t.Context()) }()
		server := tls.Server(here, &tls.Config{Certificates: certificates.TLS.Certificates, MinVersion: tls.VersionTLS12, SessionTicketsDisabled: true})
		if err := server.HandshakeContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-shaken; err != nil {
			t.Fatal(err)
		}
		g := NewGroup(Options{WriteTimeout: time.Second})
		c := New(server, nil, g)
		g.Add(c)
		defer g.Remove(c)
		before := time.Now()
		if err := c.Write(t.Context(), []flow.Frame{{Data: []byte("hello")}}, false); err == nil {
			t.Fatal("written, but nobody reads")
		}
		c.HangUp()
		if took := time.Since(before); took != g.WriteTimeout+g.Pace() {
			t.Errorf("it took %v, the write alone may take %v, and a sweep more", took, g.WriteTimeout)
		}
		_ = there.Close()
	})
}
