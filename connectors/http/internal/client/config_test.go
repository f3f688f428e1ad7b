package client

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/credentials"
	"github.com/flowrun/flowrun/runtime/setting"
)

func TestWhatIsWrong(t *testing.T) {
	secret := func(s string) map[string]setting.Secret {
		return map[string]setting.Secret{s: setting.SecretOf("hush\n")}
	}
	for _, c := range []struct {
		url   string
		edit  func(*Config)
		field string
		want  string
	}{
		{"ws://127.0.0.1:1", nil, "url", `scheme "ws" is not one of http and https`},
		{"http://127.0.0.1:1", func(c *Config) { c.TLS = &setting.TLSClient{} }, "url", "a tls block needs https"},
		{"127.0.0.1:0", nil, "url", "port 0 cannot be connected to"},
		{"127.0.0.1:1/a{x}", nil, "url", "a parameter is a whole part"},
		{"127.0.0.1:1/{x}", func(c *Config) { c.Poll = &Poll{Interval: setting.Duration(time.Second)} }, "url", "with poll there is no event"},
		{"127.0.0.1:1", func(c *Config) { c.Poll, c.Queue = &Poll{Interval: setting.Duration(time.Second)}, &Queue{} }, "queue", "with poll there are no events"},
		{"127.0.0.1:1", func(c *Config) { c.Method = "get" }, "method", `"get" is no method`},
		{"127.0.0.1:1", func(c *Config) { c.Method = "CONNECT" }, "method", `"CONNECT" is no method`},
		{"127.0.0.1:1", func(c *Config) { c.Headers = secret("content-length") }, "headers.content-length", "belongs to the request"},
		{"127.0.0.1:1", func(c *Config) { c.Headers = secret("x-key") }, "headers.x-key", "line break"},
		{"127.0.0.1:1", func(c *Config) { c.SuccessOn = []string{"ok"} }, "success_on[0]", `"ok" is no status`},
		{"127.0.0.1:1", func(c *Config) { c.RetryOn = []string{"2xx"} }, "retry_on[0]", "in success_on, too"},
		{"127.0.0.1:1", func(c *Config) { c.SuccessOn, c.RetryOn = []string{"404"}, []string{"404"} }, "retry_on[0]", "in success_on, too"},
		{"u:p@127.0.0.1:1", func(c *Config) { c.Auth = credentials.Auths{&credentials.Basic{User: "u"}} }, "auth[0]", "the URL has a user already"},
		{"https://127.0.0.1:1", func(c *Config) { c.TLS = &setting.TLSClient{Cert: "nothing"} }, "tls.cert", "cert needs key"},
	} {
		_, err := configure(t, c.url, c.edit).New()
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v, want %q", c.field, err, c.want)
			continue
		}
		if fe := (*setting.Error)(nil); !errors.As(err, &fe) || fe.Field != c.field {
			t.Errorf("%v: of the field %+v, want %s", err, fe, c.field)
		}
	}
}
