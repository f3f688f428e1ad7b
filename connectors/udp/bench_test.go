package udp

import (
	"context"
	"net"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
)

// BenchmarkClient sends datagrams to somebody who does not read them.
func BenchmarkClient(b *testing.B) {
	to, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer to.Close()
	config := clientConfig(b, to.LocalAddr().String())
	c, err := config.New()
	if err != nil {
		b.Fatal(err)
	}
	host := flowtest.NewHost(b, flowtest.Options{Shape: config.Shape()})
	running := flowtest.Start(b, c, host)
	host.WaitOpen(1, nil)
	events := make([]flow.Event, 1)
	events[0].SetPayload(flow.TextOf("a line of some length, as there are many: 0123456789"))
	in := host.Table.In(flow.Broadcast, false)
	b.ReportAllocs()
	for b.Loop() {
		if err := in.Send(context.Background(), events); err != nil {
			b.Fatal(err)
		}
	}
	if err := running.Stop(); err != nil {
		b.Error(err)
	}
}
