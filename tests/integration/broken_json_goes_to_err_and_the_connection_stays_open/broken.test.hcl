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
    expect {
      where = event.error.kind == "decode"
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

# Whatever is wrong with it: with the one who sent it, its bytes, and no event.
test "and_tells_whose_it_is" {
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
    count   = 5
    send {
      json = { who = true }
    }
    expect {
      where = has(event.id)
      save  = { self = event }
    }
    send {
      text = "{\"a\":1"
      type = "binary"
    }
    expect {
      where = event.error.kind == "decode" && event.error.message != "" && event.error.component == "connector.edge" && event.event == null && event.raw == "eyJhIjox" && event.peer.connector == "edge" && event.peer.id == saved.self.id && event.peer.host == "127.0.0.1" && event.peer.port == saved.self.port
    }
    send {
      text = "nonsense"
      type = "binary"
    }
    expect {
      where = event.error.kind == "decode" && event.error.message != "" && event.error.component == "connector.edge" && event.event == null && event.raw == "bm9uc2Vuc2U=" && event.peer.connector == "edge" && event.peer.id == saved.self.id && event.peer.host == "127.0.0.1" && event.peer.port == saved.self.port
    }
    send {
      text = "{\"a\":01}"
      type = "binary"
    }
    expect {
      where = event.error.kind == "decode" && event.error.message != "" && event.error.component == "connector.edge" && event.event == null && event.raw == "eyJhIjowMX0=" && event.peer.connector == "edge" && event.peer.id == saved.self.id && event.peer.host == "127.0.0.1" && event.peer.port == saved.self.port
    }
    send {
      text = "[1,]"
      type = "binary"
    }
    expect {
      where = event.error.kind == "decode" && event.error.message != "" && event.error.component == "connector.edge" && event.event == null && event.raw == "WzEsXQ==" && event.peer.connector == "edge" && event.peer.id == saved.self.id && event.peer.host == "127.0.0.1" && event.peer.port == saved.self.port
    }
    send {
      hex = "22 ff 22"
    }
    expect {
      where = event.error.kind == "decode" && event.error.message != "" && event.error.component == "connector.edge" && event.event == null && event.raw == "Iv8i" && event.peer.connector == "edge" && event.peer.id == saved.self.id && event.peer.host == "127.0.0.1" && event.peer.port == saved.self.port
    }
    send {
      text = ""
      type = "binary"
    }
    expect {
      where = event.error.kind == "decode" && event.error.message != "" && event.error.component == "connector.edge" && event.event == null && event.raw == "" && event.peer.connector == "edge" && event.peer.id == saved.self.id && event.peer.host == "127.0.0.1" && event.peer.port == saved.self.port
    }
    send {
      json = "still here"
    }
    expect {
      json = "still here"
    }
    close {}
  }
  expect {
    file "errors.ndjson" {
      format = "ndjson"
      count  = 30
    }
  }
}
