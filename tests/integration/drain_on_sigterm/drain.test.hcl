test "peers_are_told_goodbye" {
  tags = ["ws", "drain"]
  locals {
    port = free_port()
  }
  run {
    flow = "flow.hcl"
    vars = { url = "127.0.0.1:${local.port}" }
  }
  peer "idle" {
    connect = "ws://127.0.0.1:${local.port}"
    count   = 20
    send {
      json = { n = index }
    }
    expect {
      json = { n = index }
    }
    signal "joined" {}
    expect_close {
      code = 1001
    }
  }
  interrupt "drain" {
    await  = "joined"
    count  = 20
    signal = "SIGTERM"
  }
  expect {
    exit_code = 0
    stderr {
      contains = ["SIGTERM: draining"]
      absent   = ["panic", "goroutine "]
    }
  }
}

test "a_killed_server_says_nothing" {
  tags = ["ws", "drain"]
  locals {
    port = free_port()
  }
  run {
    flow = "flow.hcl"
    vars = { url = "127.0.0.1:${local.port}" }
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}"
    dial {}
    signal "joined" {}
    expect_close {
      code = 1006
    }
  }
  interrupt "kill" {
    await  = "joined"
    signal = "SIGKILL"
  }
  expect {
    signal = "SIGKILL"
  }
}
