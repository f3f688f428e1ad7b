package http

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/flowrun/flowrun/runtime/setting"
)

func gzipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, s)
	_ = w.Close()
	return b.String()
}

func zstandard(s string) string {
	w, _ := zstd.NewWriter(nil)
	return string(w.EncodeAll([]byte(s), nil))
}

// A body that is compressed is unpacked, within the limit of bodies, whether its
// length is known or not.
func TestCompressedBodies(t *testing.T) {
	f := start(t, settings{config: func(c *ServerConfig) { c.MaxBody = 1000 }})
	text := `"` + strings.Repeat("x", 900) + `"`
	bomb := `"` + strings.Repeat("x", 1_000_000) + `"`
	for _, c := range []struct {
		coding, body string
		status       int
	}{
		{"gzip", gzipped(text), 200},
		{"GZIP", gzipped(text[:500]) + gzipped(text[500:]), 200},
		{"x-gzip", gzipped(text), 200},
		{"zstd", zstandard(text), 200},
		{"identity", text, 200},
		{"", text, 200},
		{"gzip", gzipped(text)[:20], 400},
		{"gzip", gzipped(text) + "x", 400},
		{"gzip", text, 400},
		{"zstd", zstandard(text)[:12], 400},
		{"zstd", text, 400},
		{"gzip", gzipped(bomb)[:999], 413},
		{"gzip", strings.Repeat(gzipped(""), 100), 413}, // unpacks to nothing
		{"zstd", zstandard(bomb), 413},
		{"br", text, 415},
		{"gzip, gzip", gzipped(gzipped(text)), 415},
	} {
		for _, length := range []int64{int64(len(c.body)), -1} {
			q, _ := http.NewRequest("POST", f.url+"/", nil)
			q.Body, q.ContentLength = io.NopCloser(strings.NewReader(c.body)), length
			q.Header.Set("Content-Encoding", c.coding)
			f.disconnectErr()
			r, err := f.http.Do(q)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(r.Body)
			if err != nil {
				t.Fatal(err)
			}
			_ = r.Body.Close()
			if r.StatusCode != c.status || c.status == 200 && string(got) != text {
				t.Errorf("%q, %d of %d bytes: %d %.80q, want %d", c.coding, length, len(c.body), r.StatusCode, got, c.status)
			}
			if known := r.Header.Get("Accept-Encoding"); (known == "gzip, zstd") != (c.status == 415) {
				t.Errorf("%q: the answer names %q", c.coding, known)
			}
		}
	}
}

// What a flow unpacks itself comes to it as it was sent.
func TestBodiesThatStayCompressed(t *testing.T) {
	f := start(t, settings{config: func(c *ServerConfig) { c.Decompress = false }})
	q, _ := http.NewRequest("POST", f.url+"/", strings.NewReader(`"x"`))
	q.Header.Set("Content-Encoding", "br")
	r, err := f.http.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	if got, _ := io.ReadAll(r.Body); r.StatusCode != 200 || string(got) != `"x"` {
		t.Errorf("%d %s", r.StatusCode, got)
	}
}

// A client that stops within a compressed body is as late as any other.
func TestASlowCompressedBodyIsRefused(t *testing.T) {
	f := start(t, settings{config: func(c *ServerConfig) { c.BodyTimeout = setting.Duration(50 * time.Millisecond) }})
	for coding, body := range map[string]string{"gzip": gzipped(`"x"`), "zstd": zstandard(`"x"`)} {
		more, write := io.Pipe()
		go func() { _, _ = io.WriteString(write, body[:len(body)-2]) }()
		q, _ := http.NewRequest("POST", f.url+"/", more)
		q.Header.Set("Content-Encoding", coding)
		f.disconnectErr()
		r, err := f.http.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		_ = write.Close()
		_ = r.Body.Close()
		if r.StatusCode != http.StatusRequestTimeout {
			t.Errorf("%s: %d", coding, r.StatusCode)
		}
	}
}
