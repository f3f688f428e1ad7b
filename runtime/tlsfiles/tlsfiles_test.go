package tlsfiles

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/setting"
)

// writePair writes a certificate with a serial number, and its key. when is the time
// of the files, since that of the machine may not have moved on.
func writePair(t *testing.T, c *setting.TLSClient, serial int64, when time.Time) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, c.Cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), when)
	write(t, c.Key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), when)
}

func write(t *testing.T, path setting.Path, data []byte, when time.Time) {
	t.Helper()
	if err := os.WriteFile(string(path), data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(string(path), when, when); err != nil {
		t.Fatal(err)
	}
}

// The certificate of a client is renewed while it runs.
func TestAClientsCertificateIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	c := &setting.TLSClient{Cert: setting.Path(filepath.Join(dir, "cert")), Key: setting.Path(filepath.Join(dir, "key"))}
	now := time.Now()
	writePair(t, c, 1, now)
	config, err := Client(c)
	if err != nil {
		t.Fatal(err)
	}
	serial := func() int64 {
		t.Helper()
		cert, err := config.GetClientCertificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		return cert.Leaf.SerialNumber.Int64()
	}
	if got := serial(); got != 1 {
		t.Errorf("the certificate is %d", got)
	}
	writePair(t, c, 2, now.Add(time.Second))
	if got := serial(); got != 2 {
		t.Errorf("the certificate is %d when the second one was written", got)
	}
	write(t, c.Key, []byte("half of a key"), now.Add(2*time.Second))
	if got := serial(); got != 2 {
		t.Errorf("the certificate is %d while the third one is written", got)
	}
	writePair(t, c, 3, now.Add(3*time.Second))
	if got := serial(); got != 3 {
		t.Errorf("the certificate is %d when the third one was written", got)
	}
}
