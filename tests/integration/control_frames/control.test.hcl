test "pings_are_answered_and_are_no_events" {
  tags = ["ws"]
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
    ping {
      payload = "are you there"
    }
    pong {}
    send {
      json = 1
    }
    expect {
      json = 1
    }
    silence {
      for = "50ms"
    }
    close {}
  }
}

test "a_close_is_answered_with_its_code" {
  tags = ["ws"]
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
    count   = 3
    close {
      code   = 4000
      reason = "enough"
    }
  }
}
