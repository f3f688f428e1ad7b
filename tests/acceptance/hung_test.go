package acceptance

import (
	"strings"
	"syscall"
	"testing"
)

// A receiver that hangs does not keep flowrun from ending, as long as the end may take. What
// it has not confirmed arrives by the next process, in order.
func TestAHungReceiverDelaysNoEnd(t *testing.T) {
	for name, client := range map[string]string{"frames": byFrames(persistentQueue), "requests": byRequests} {
		t.Run(name, func(t *testing.T) {
			d, url := deliveryOfRequests(t, strings.Replace(client, `"20s"`, `"100ms"`, 1))
			d.flow += `
flow {
  drain {
    timeout = "10m"
  }
}
`
			d.start()
			send := func(from, to int) {
				client := browser(t)
				for i := from; i < to; i++ {
					d.post(client, url, recordOf(i%deliverySources, i/deliverySources))
				}
			}
			send(0, 10)
			d.within("the first records", func() bool { return len(d.receiver.messages()) == 10 })
			d.receiver.signal(syscall.SIGSTOP)
			send(10, 100)
			d.end()
			if log := d.run.Stderr.String(); !strings.Contains(log, "stay in the queue's directory") || strings.Contains(log, "cut short") {
				t.Error("it is not told that events stay, or more had to be done")
			}
			d.receiver.signal(syscall.SIGCONT)
			d.start()
			send(100, deliveryRecords)
			d.arrives()
		})
	}
}
