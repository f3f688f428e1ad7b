package certificate_test

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/runner/certificate"
)

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	pool := x509.NewCertPool()
	for name, hosts := range map[string][]string{"edge": {"edge.test", "*.edge.test", "::1"}, "other": {"other.test"}} {
		if err := certificate.Write(dir, name, hosts); err != nil {
			t.Fatal(err)
		}
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "edge.cert"), filepath.Join(dir, "edge.key"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "edge.cert"))
	if err != nil || !pool.AppendCertsFromPEM(text) {
		t.Fatalf("%v in %s", err, text)
	}
	for host, good := range map[string]bool{"edge.test": true, "a.edge.test": true, "[::1]": true, "localhost": false, "other.test": false} {
		if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: pool, DNSName: host}); (err == nil) != good {
			t.Errorf("for %s: %v", host, err)
		}
	}
	client := x509.VerifyOptions{Roots: pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	if _, err := pair.Leaf.Verify(client); err != nil {
		t.Error(err)
	}
	if pair, err = tls.LoadX509KeyPair(filepath.Join(dir, "other.cert"), filepath.Join(dir, "other.key")); err != nil {
		t.Fatal(err)
	}
	if _, err := pair.Leaf.Verify(client); err == nil {
		t.Error("who trusts edge.cert trusts other.cert, too")
	}
	if err := certificate.Write(filepath.Join(dir, "nowhere"), "edge", nil); err == nil {
		t.Error("a certificate can be written into a folder that is not there")
	}
}
