test "with_4409" {
  tags = ["ws", "sessions"]
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
  peer "first" {
    connect = "ws://127.0.0.1:${local.port}/?key=k"
    ping {}
    signal "first" {}
    expect_close {
      code   = 4409
      reason = "^replaced by a new connection$"
    }
    signal "replaced" {}
  }
  peer "second" {
    connect = "ws://127.0.0.1:${local.port}/?key=k"
    await "first" {}
    ping {}
    signal "second" {}
    await "replaced" {}
    send {
      json = 2
    }
    expect {
      json = 2
    }
    signal "well" {}
    close {}
  }
  peer "third" {
    connect = "ws://127.0.0.1:${local.port}/?key=k"
    await "second" {}
    ping {}
    await "well" {}
    close {}
  }
  expect {
    process "server" {
      exit_code = 0
      stderr {
        matches = ["a connection is replaced by a new one with the same session key"]
        absent  = ["key=k"]
      }
    }
  }
}
