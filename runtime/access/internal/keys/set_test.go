package keys

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/endpoint"
)

func TestWhatIsNoKeySet(t *testing.T) {
	for _, text := range []string{"", "{}", "[]", `{"keys":[{"kty":"oct","k":"AAAA"}]}`, `{"keys":[{"kty":"RSA"}]}`, `{"keys":[1]}`, `{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}`} {
		if keys, err := parseSet([]byte(text)); err == nil {
			t.Errorf("%s: %v", text, keys)
		}
	}
	long := []byte(`{"keys":[` + strings.Repeat(" ", maxSet) + `]}`)
	p := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(long) }))
	defer p.Close()
	u := endpoint.URL{}
	if err := u.UnmarshalText([]byte(p.URL)); err != nil {
		t.Fatal(err)
	}
	k, err := NewSet(Options{URL: u, Timeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.get(t.Context()); err == nil || !strings.Contains(err.Error(), "longer than 1 MiB") {
		t.Error(err)
	}
}
