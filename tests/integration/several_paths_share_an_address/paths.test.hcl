test "and_any_other_is_answered_with_404" {
  tags = ["ws", "http"]
  locals {
    port = free_port()
  }
  before "server" {
    flow = "flow.hcl"
    vars = { address = "127.0.0.1:${local.port}" }
    ready {
      port = local.port
    }
  }
  peer "plain" {
    connect = "ws://127.0.0.1:${local.port}/plain"
    send {
      json = "hello"
    }
    expect {
      json = "hello"
    }
    close {}
  }
  peer "blue" {
    connect = "ws://127.0.0.1:${local.port}/rooms/blue?x=1"
    send {
      json = "hello"
    }
    expect {
      json = "hello"
    }
    close {}
  }
  # What no condition lets pass is not answered.
  peer "red" {
    connect = "ws://127.0.0.1:${local.port}/rooms/red?x=1"
    send {
      json = "hello"
    }
    ping {}
    silence {
      for = "50ms"
    }
    close {}
  }
  peer "lost" {
    connect = "ws://127.0.0.1:${local.port}"
    dial {
      path   = "/"
      status = 404
    }
    dial {
      path   = "/plain/x"
      status = 404
    }
    dial {
      path   = "/rooms"
      status = 404
    }
    dial {
      path   = "/rooms/a/b"
      status = 404
    }
  }
  expect {
    file "errors.ndjson" {
      text = ""
    }
  }
}
