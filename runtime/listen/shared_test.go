package listen

import (
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/runtime/setting"
)

// Of those who come while one of two that share an address drains, none is refused.
func TestDrainOfASharedAddress(t *testing.T) {
	sp := spec(flowtest.FreeAddress(t), "/")
	sp.Socket = setting.SocketOptions{ReusePort: true}
	stays, _ := newSet(t)
	handle(t, stays, sp, says("stays"))
	var (
		stop    = make(chan struct{})
		wait    sync.WaitGroup
		refused atomic.Int64
		served  atomic.Int64
	)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for range 4 {
		wait.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				r, err := client.Get("http://" + sp.Address + "/")
				if err != nil {
					continue // the system resets who it had not handed over
				}
				_ = r.Body.Close()
				if r.StatusCode != http.StatusOK {
					refused.Add(1)
				}
				served.Add(1)
			}
		})
	}
	for range 30 {
		leaves, _ := newSet(t)
		handle(t, leaves, sp, says("leaves"))
		more := func() { // some of them are its, while it has the address
			for n := served.Load() + 20; served.Load() < n; {
				runtime.Gosched()
			}
		}
		more()
		leaves.Drain()
		more()
		leaves.Close()
	}
	close(stop)
	wait.Wait()
	if n := refused.Load(); n > 0 {
		t.Errorf("%d of %d requests are refused", n, served.Load())
	}
}
