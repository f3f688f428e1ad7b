test "with_its_raw_bytes" {
  tags = ["ws", "errors"]
  locals {
    port = free_port()
  }
  before "server" {
    flow = "flow.hcl"
    vars = { url = "127.0.0.1:${local.port}" }
    ready {
      port = local.port
    }
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}"
    send {
      text = "{\"n\":"
    }
    send {
      json = { n = 1 }
    }
    expect {
      json = { n = 1 }
    }
    close {}
  }
  expect {
    file "errors.ndjson" {
      events = [{
        event = null
        raw   = "eyJuIjo=" # {"n": in base64
        error = { kind = "decode", component = "connector.edge" }
        peer  = { connector = "edge" }
      }]
      ignore = ["error.message", "error.at", "error.step", "peer.id", "peer.host", "peer.port"]
    }
  }
}
