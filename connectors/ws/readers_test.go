package ws

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// readersEnv makes the test binary a process full of clients, so that what they
// cost is not measured: "<address> <clients>".
const readersEnv = "FLOWRUN_WS_READERS"

// readers dials as many clients as it is told, says so, and then for each
// number of bytes that it is given, says when all have got as many together.
func readers(what string) {
	var addr string
	var n int
	if _, err := fmt.Sscan(what, &addr, &n); err != nil {
		panic(err)
	}
	var got atomic.Int64
	var mu sync.Mutex
	more := sync.NewCond(&mu)
	for range n {
		nc, err := net.Dial("tcp", addr)
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(nc, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", addr)
		br := bufio.NewReaderSize(nc, 32<<10)
		if _, err := http.ReadResponse(br, nil); err != nil { //nolint:bodyclose // it has none
			panic(err)
		}
		go func() {
			buf := make([]byte, 32<<10)
			for {
				k, err := br.Read(buf)
				if err != nil {
					return
				}
				got.Add(int64(k))
				more.Broadcast()
			}
		}()
	}
	fmt.Println("ready")
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		var want int64
		if _, err := fmt.Sscan(in.Text(), &want); err != nil {
			panic(err)
		}
		mu.Lock()
		for got.Load() < want {
			stop := time.AfterFunc(time.Millisecond, more.Broadcast) // it is not under mu that got grows
			more.Wait()
			stop.Stop()
		}
		mu.Unlock()
		fmt.Println("got", want)
	}
}
