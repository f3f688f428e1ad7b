# The client has been told goodbye and does not answer: the process waits for it, until
# it is told once more.
test "whatever_is_in_flight" {
  tags    = ["ws", "drain"]
  timeout = "1m" # the drain alone would take longer
  locals {
    port = free_port()
  }
  run {
    flow = "flow.hcl"
    vars = { url = "127.0.0.1:${local.port}" }
  }
  # Its connection is there for as long as the process is: bytes, to be in no hurry.
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}"
    dial {
      tcp = true
    }
    raw {
      text = "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    }
    expect_raw {
      matches = "^HTTP/1.1 101 (.|\n)*\r\n\r\n$"
    }
    signal "joined" {}
    expect_raw {
      matches = "\u0003" # of a close frame with 1001, 0x03e9
    }
    signal "told" {}
    expect_close {}
  }
  interrupt "drain" {
    await  = "joined"
    signal = "SIGTERM"
  }
  interrupt "again" {
    await  = "told"
    signal = "SIGINT"
  }
  expect {
    exit_code = 0
    stderr {
      contains = ["SIGINT: ending at once", "the drain was cut short"]
    }
  }
}
