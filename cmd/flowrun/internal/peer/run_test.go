package peer

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// script reads the one peer of text.
func script(t *testing.T, format string, args ...any) *Script {
	t.Helper()
	scripts, problems := load(t, "script", fmt.Sprintf(format, args...))
	if problems != "" || len(scripts) != 1 {
		t.Fatalf("%d peers: %s", len(scripts), problems)
	}
	return scripts[0]
}

// listening starts a script that listens and returns its address, and what
// waits for its report.
func listening(ctx context.Context, s *Script) (addr string, report func() *Report) {
	at := make(chan string, 1)
	s.Listening = func(addr string) { at <- addr }
	end := make(chan *Report, 1)
	go func() { end <- Run(ctx, s) }()
	return <-at, func() *Report { return <-end }
}

// kilobyte is what large messages are made of: long lists, and long literals, take long.
var kilobyte = strings.Repeat("0123456789", 100)

// TestSlowReader fills the way to a peer that does not read.
func TestSlowReader(t *testing.T) {
	s := script(t, `peer "server" {
		listen         = "127.0.0.1:0"
		receive_buffer = "4KiB"
		read { rate = "0B" }
		await "stuck" {}
	}`)
	addr, report := listening(t.Context(), s)
	alice := script(t, `peer "alice" {
		connect = "ws://%s/"
		send {
			text   = join("", [for i in range(1000) : %q])
			count  = 100
			within = "1s"
		}
	}`, addr, kilobyte)
	err := Run(t.Context(), alice).Err()
	if err == nil || !strings.Contains(err.Error(), "the other side does not read") {
		t.Errorf("100 MB went to who does not read: %v", err)
	}
	s.Signals.Signal("stuck")
	if r := report(); !r.OK() {
		t.Error(r)
	}
}

// TestFullInbox sends more to an echo than the inbox holds.
func TestFullInbox(t *testing.T) {
	alice := script(t, `peer "alice" {
		connect        = "ws://%s/"
		receive_buffer = "4KiB"
		inbox          = "64KiB"
		send {
			text   = join("", [for i in range(100) : %q])
			count  = 1000
			within = "5s"
		}
	}`, echo(t), kilobyte)
	err := Run(t.Context(), alice).Err()
	if err == nil || !strings.Contains(err.Error(), "its inbox holds ") {
		t.Errorf("100 MB came into an inbox of 64KiB: %v", err)
	}
}

// TestEndOfContext ends peers in the middle of every kind of waiting.
func TestEndOfContext(t *testing.T) {
	addr := echo(t)
	for _, step := range []string{
		`expect { text = "never" }`,
		`expect_all {
			message { text = "never" }
		}`,
		`silence { for = "1h" }`,
		`pause { for = "1h" }`,
		`await "never" {}`,
		`expect_ping {}`,
		`expect_close {}`,
		`dial { refused = true }`,
		`send {
			text  = "x"
			count = 2
			every = "1h"
		}`,
	} {
		t.Run(strings.Fields(step)[0], func(t *testing.T) {
			alice := script(t, "peer \"alice\" {\nconnect = \"ws://%s/\"\nwithin = \"1h\"\nsignal \"begun\" {}\n%s\n}", addr, step)
			ctx, cancel := context.WithCancelCause(t.Context())
			go func() {
				_, _ = alice.Signals.Await(ctx, "begun", 1)
				cancel(errors.New("the test took too long"))
			}()
			err := Run(ctx, alice).Err()
			if err == nil || !strings.Contains(err.Error(), "the test took too long") {
				t.Errorf("the peer ended with %v", err)
			}
		})
	}
}

// TestSecrets looks for what handshakes carry in what is reported.
func TestSecrets(t *testing.T) {
	alice := script(t, `peer "alice" {
		connect = "ws://user:hush@%s/denied?token=hush"
		headers = { Authorization = "Bearer hush" }
		send { text = "x" }
	}`, echo(t))
	if got := Run(t.Context(), alice).String(); got == "" || strings.Contains(got, "hush") {
		t.Errorf("the report tells a secret:\n%s", got)
	}
}

// TestManyFailures has a report that stays short.
func TestManyFailures(t *testing.T) {
	alice := script(t, `peer "alice" {
		connect = "ws://%s/"
		count   = 50
		send { text = join("", [for i in range(100) : %q]) }
		repeat {
			times = 100
			signal "x" {}
		}
		expect { text = "x" }
	}`, echo(t), kilobyte)
	r := Run(t.Context(), alice)
	if r.Failed != 50 || r.Ran != 50 || len(r.Failures) != maxFailures {
		t.Errorf("%d of %d failed, %d are told", r.Failed, r.Ran, len(r.Failures))
	}
	got := r.String()
	if !strings.Contains(got, "and 45 more of the 50 clients of peer \"alice\"") || !strings.Contains(got, " lines before\n") || len(got) > 20000 {
		t.Errorf("the report has %d bytes:\n%s", len(got), got)
	}
}

func TestTLS(t *testing.T) {
	cert, key := certificate(t)
	s := script(t, `peer "server" {
		listen = "wss://127.0.0.1:0/"
		tls {
			cert      = %q
			key       = %[2]q
			client_ca = %[1]q
		}
		expect { text = "hush" }
		cut {}
	}`, cert, key)
	addr, report := listening(t.Context(), s)
	alice := script(t, `peer "alice" {
		connect = "wss://%s/"
		tls {
			cafile = %q
			cert   = %[2]q
			key    = %[3]q
		}
		send { text = "hush" }
		expect_close { code = 1006 }
	}`, addr, cert, key)
	if r := Run(t.Context(), alice); !r.OK() {
		t.Error(r)
	}
	if r := report(); !r.OK() {
		t.Error(r)
	}
	addr, report = listening(t.Context(), s)
	stranger := script(t, "peer \"stranger\" {\nconnect = \"wss://%s/\"\nsend { text = \"x\" }\n}", addr)
	if got := Run(t.Context(), stranger).String(); !strings.Contains(got, "certificate signed by unknown authority") {
		t.Errorf("a certificate that nobody signed was accepted: %s", got)
	}
	if got := report().String(); !strings.Contains(got, "TLS handshake with a client: ") {
		t.Errorf("a client that does not trust was accepted: %s", got)
	}
}

// certificate makes a certificate for 127.0.0.1, of servers and clients.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	spelled, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for _, f := range []struct {
		path, kind string
		der        []byte
	}{{cert, "CERTIFICATE", der}, {key, "PRIVATE KEY", spelled}} {
		if err := os.WriteFile(f.path, pem.EncodeToMemory(&pem.Block{Type: f.kind, Bytes: f.der}), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}
