package interop

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/flowrun/flowrun/tests/process"
	"github.com/flowrun/flowrun/tests/selfsigned"
)

// chromium is a browser without a window that visits pages of the test.
//
// Nothing drives it. It is started with the address /next, which answers when
// a test has a page to visit; the page does what it is there for, reports it
// to /report as the scripts of the other clients print it, and goes to /next
// again. What a page cannot do itself it asks for at /act/.
//
// All names lead to this machine. On the port of https, those below
// example.org and example.net lead to the server of the pages: they are the
// sites that a page can be of.
type chromium struct {
	*process.Process
	trusted *selfsigned.Certificate // of the pages, and of what else the browser shall trust
	pages   *http.ServeMux
	next    chan *visit
	now     atomic.Pointer[visit]
}

// visit is what one page does.
type visit struct {
	url     string
	reports chan string
	acts    acts
}

// acts are what a page can ask for, by name.
type acts map[string]http.HandlerFunc

// browse starts the browser. It ends with the test.
func browse(t *testing.T, ctx context.Context) *chromium {
	t.Helper()
	program := browser(t)
	b := &chromium{trusted: selfsigned.New(t, "*.example.org", "*.example.net", "127.0.0.1"), pages: http.NewServeMux(), next: make(chan *visit)}
	b.serve()
	pages := httptest.NewUnstartedServer(b.pages)
	pages.TLS = &tls.Config{Certificates: []tls.Certificate{b.trusted.Certificate}}
	pages.Config.ErrorLog = log.New(io.Discard, "", 0) // of connections that a browser opens in advance and does not use
	pages.StartTLS()
	t.Cleanup(pages.Close)
	at := pages.Listener.Addr()
	home := t.TempDir()
	var err error
	b.Process, err = process.Start(context.WithoutCancel(ctx), process.Options{Env: []string{"HOME=" + home, "TMPDIR=" + home}}, program,
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-breakpad", "--no-proxy-server", "--user-data-dir="+filepath.Join(home, "profile"),
		fmt.Sprintf("--host-resolver-rules=MAP *.example.org:443 %s, MAP *.example.net:443 %s, MAP * 127.0.0.1", at, at),
		"--ignore-certificate-errors-spki-list="+b.trusted.Pin(), // by its key, whatever its name and issuer
		"https://www.example.org/next")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // asked to end, it leaves nothing behind that still writes
		patience, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		_ = b.Signal(syscall.SIGTERM)
		if _, err := b.Wait(patience); err != nil {
			b.Kill()
		}
	})
	return b
}

// browser finds Chromium, or a browser that is made of it. Where nothing may
// be left out, its absence is an error.
func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	missing(t, "no chromium, chromium-browser or google-chrome is on the PATH; on Debian, `apt-get install chromium` puts one there")
	return ""
}

// serve serves the pages, and what they ask for.
func (b *chromium) serve() {
	b.pages.Handle("GET /", http.FileServer(http.Dir("testdata/pages")))
	b.pages.HandleFunc("GET /next", func(w http.ResponseWriter, r *http.Request) {
		select {
		case v := <-b.next:
			b.now.Store(v)
			http.Redirect(w, r, v.url, http.StatusSeeOther)
		case <-r.Context().Done():
		}
	})
	b.pages.HandleFunc("POST /report", func(_ http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			return // it is missed
		}
		select {
		case b.now.Load().reports <- string(text):
		case <-r.Context().Done():
		}
	})
	b.pages.HandleFunc("POST /act/{name}", func(w http.ResponseWriter, r *http.Request) {
		act := b.now.Load().acts[r.PathValue("name")]
		if act == nil {
			http.Error(w, "the test does not do that", http.StatusNotFound)
			return
		}
		act(w, r)
	})
}

// proxy puts a server behind the one of the pages, under a name below
// example.org. All clients come from the given address, it says. It returns
// the URL that pages connect to.
func (b *chromium) proxy(name, addr, client string) string {
	b.pages.Handle(name+"/", &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: addr})
		r.Out.Header.Set("X-Forwarded-For", client)
		r.Out.Host = r.In.Host
	}})
	return "wss://" + name
}

// beside puts the admin API of a process beside the pages of a site, as a proxy in
// front of both does it.
func (b *chromium) beside(site, addr string) {
	b.pages.Handle(site+"/api/", &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: addr})
		if r.In.Header.Get("Origin") != "" {
			r.Out.Host = r.In.Host
		}
	}})
}

// visit has the browser visit a page of a site, which runs checks, a script of
// testdata/pages with some parameters. The test fails when one does not hold.
func (b *chromium) visit(t *testing.T, ctx context.Context, site, checks string, params map[string]string, acts acts) {
	t.Helper()
	query := url.Values{"checks": {checks}}
	for name, value := range params {
		query.Set(name, value)
	}
	v := &visit{url: "https://" + site + "/?" + query.Encode(), reports: make(chan string), acts: acts}
	select {
	case b.next <- v:
	case <-b.Done():
		t.Fatalf("the browser has ended:\n%s", b.Stderr)
	case <-ctx.Done():
		t.Fatalf("the browser asks for no page: %v\n%s", ctx.Err(), b.Stderr)
	}
	for checked := 0; ; checked++ {
		select {
		case line := <-v.reports:
			switch {
			case strings.HasPrefix(line, "ok: "):
				t.Log(line)
			case line == "done" && checked > 0:
				return
			default:
				t.Error(line)
			}
		case <-b.Done():
			t.Fatalf("the browser has ended:\n%s", b.Stderr)
		case <-ctx.Done():
			t.Fatalf("the page does not end: %v\n%s", ctx.Err(), b.Stderr)
		}
	}
}
