// Package udp is datagrams: the connectors udp_server and udp_client.
//
// A datagram is a message. UDP has no connections, so a server makes some: what comes
// from one address and port is one, from the first datagram until nothing has passed
// for idle_timeout, so that replies, codecs and limits are as they are anywhere else. A
// server has one socket and one goroutine that reads it, for all of them.
//
// Nothing can be told to a peer but datagrams: that it may not send, that the server
// ends, or that what it sent was lost, it does not hear.
package udp

import (
	"errors"
	"fmt"
	"time"

	"github.com/flowrun/flowrun/runtime/endpoint"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

// Specs are the rows of this world in the table of connectors.
var Specs = []flow.Spec[flow.ConnectorConfig]{
	{
		Name:    "udp_server",
		Summary: "takes datagrams, and answers them",
		Doc:     serverDoc,
		Example: serverExample,
		Config: func() flow.ConnectorConfig {
			return &ServerConfig{
				MaxMessage: longest,
				Idle:       setting.Duration(time.Minute),
				Limits:     Limits{MaxPeers: 10_000, Burst: setting.Duration(2 * time.Second)},
				Queue:      setting.Queue{MaxEvents: 1024, MaxBytes: 1 << 20, Overflow: "drop_oldest", WriteTimeout: setting.Duration(10 * time.Second)},
			}
		},
	},
	{
		Name:    "udp_client",
		Summary: "sends datagrams to one address, and takes answers",
		Doc:     clientDoc,
		Example: clientExample,
		Config: func() flow.ConnectorConfig {
			return &ClientConfig{ConnectTimeout: setting.Duration(10 * time.Second), MaxMessage: longest, Queue: setting.DefaultClientQueue()}
		},
	},
}

// longest is what a datagram can carry over IPv4: 65,535 bytes without the headers.
const longest = 65_507

func checkAddress(u endpoint.URL) error {
	var wrong error
	switch {
	case u.Scheme != "" && u.Scheme != "udp":
		wrong = fmt.Errorf("scheme %q is not udp", u.Scheme)
	case u.Port == endpoint.NoPort:
		wrong = errors.New("the URL has no port: write \"host:port\"")
	case u.User != nil || u.Path != "" && u.Path != "/" || u.Query != "":
		wrong = errors.New("a URL of UDP is a host and a port, and nothing else")
	default:
		return nil
	}
	return &setting.Error{Field: "url", Err: wrong}
}

const serverDoc = `
A datagram is a message, or several, which the first preprocessor finds: the last of them
ends with the datagram, whether its separator is there or not.

What comes from one address and port is a connection, from its first datagram until none has passed in either direction for ` + "`idle_timeout`" + `, or until
there are more than ` + "`limits.max_peers`" + `: then the one goes that has been silent for longest. So a
reply goes to where its event came from, with the server's own address as the sender. Events
carry ` + "`meta.udp_server`" + ` = ` + "`{ peer = { id, host, port } }`" + `, and ` + "`peer`" + `.

Anybody can write any sender's address into a datagram: ` + "`peer.host`" + ` is what it says,
and a flow that answers with more than it was sent can be used to flood others. 

Datagrams may be lost, doubled or overtake each other on their way. While the flow is busy, they
wait in the system's buffer for the socket (` + "`receive_buffer`" + `), and what does not fit is lost without a
trace. What exceeds ` + "`limits`" + `, and a datagram longer than ` + "`max_message`" + `, is dropped, counted in the log, and goes nowhere.

Delivered means: handed to the socket. An event that is longer than a datagram can be is
a problem for ` + "`err`" + `.

On a graceful end, what has arrived is delivered and answered. A reload that changes the
connector hands its address over; what the senders are to it begins anew.
`

const clientDoc = `
Datagrams to one address; what comes back from there leaves by ` + "`out`" + `. A message is a
datagram. While the name of the machine has no address, or the system finds no way to it, events wait in the ` + "`queue`" + `,
and it is tried again as ` + "`reconnect`" + ` says.

Delivered means: taken by the ` + "`queue`" + `, from which an event goes to the socket at once when there is one. A
crash loses what waits. What becomes of a datagram on its way, nobody knows. Where nobody listens, a machine may say so,
after the datagram is lost: that is logged. An event that is longer than a datagram can be is a problem
for ` + "`err`" + `; one that only the system's own limit forbids is lost, and the log tells of it.

With ` + "`queue { persistent = \"dir\" }`" + ` the queue is on the disk, in a directory of its own. Delivered
means then: on the disk, so that neither kill -9 nor the loss of power loses what was acknowledged; an event leaves
it when it was handed to the socket, and what a kill interrupts there is sent again by the next process, so that
some may come twice. Nothing confirms a datagram: there is no ` + "`confirm = \"pong\"`" + `. What else there is to say
of such queues, ws_client does.

On a graceful end, the queue is written (where it is persistent, what has not been taken within ` + "`linger`" + ` stays for the next start, as ws_client has it), and answers are read until none has come for
100 ms, or for a second. A client that was sent nothing does not wait.
`

const serverExample = `connector "udp_server" "in" {
  url   = "127.0.0.1:4242"
  codec = "json"
}

connect "echo" {
  from = connector.in
  to   = connector.in
}
`

const clientExample = `connector "host" "figures" {
  interval = "10s"
}

connector "udp_client" "out" {
  url   = "127.0.0.1:4242"
  codec = "json"
}

connect "send" {
  from = connector.figures
  to   = connector.out
}
`
