package acceptance

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// A client that the environment gives a proxy goes through it, with the
// proxy's credentials and without showing them.
func TestProxy(t *testing.T) {
	server := start(t, "", `
connector "ws_server" "edge" {
  url   = "127.0.0.1:0"
  codec = "json"
}


connect "echo" {
  from = connector.edge
  to   = connector.edge
}
`)
	addr := server.address("edge")
	proxy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	asked := make(chan *http.Request, 1)
	go func() {
		c, err := proxy.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		r, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			t.Errorf("the proxy is asked for nothing: %v", err)
			return
		}
		asked <- r
		up, err := net.Dial("tcp", addr)
		if err != nil {
			t.Error(err)
			return
		}
		defer up.Close()
		fmt.Fprint(c, "HTTP/1.1 200 Connection established\r\n\r\n")
		go func() { _, _ = io.Copy(up, c) }()
		_, _ = io.Copy(c, up)
	}()
	t.Setenv("HTTP_PROXY", "http://me:hush@"+proxy.Addr().String())
	client := start(t, "", `
connector "ws_client" "feed" {
  url     = "ws://feed.test:8080/"
  codec   = "string"
  on_open = ["\"hello\""]
}

connector "stdio" "console" {
  codec = "string"
}

connect "show" {
  from = connector.feed
  to   = connector.console
}
`)
	if err := client.Stdout.Wait(withPatience(t), func(text string) bool { return strings.Contains(text, `"hello"`) }); err != nil {
		t.Fatalf("wait for the echo: %v", err)
	}
	r := <-asked
	if r.Method != http.MethodConnect || r.Host != "feed.test:8080" || r.Header.Get("Proxy-Authorization") != "Basic bWU6aHVzaA==" {
		t.Errorf("the proxy was asked for %s %s with %v", r.Method, r.Host, r.Header)
	}
	if log := client.Stderr.String(); strings.Contains(log, "hush") {
		t.Errorf("the proxy's password is shown: %s", log)
	}
}
