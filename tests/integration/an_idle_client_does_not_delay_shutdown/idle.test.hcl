# A client that never says anything, one with half a message, and one with half a
# handshake: the process must not wait for any of them.
test "nor_does_half_a_message" {
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
    ping {}
    signal "joined" {}
    expect_close {
      code = 1001
    }
  }
  peer "halfway" {
    connect = "ws://127.0.0.1:${local.port}"
    frame {
      fin  = false
      text = "{\"half\":"
    }
    ping {}
    signal "joined" {}
    expect_close {
      code = 1001
    }
  }
  peer "knocking" {
    connect = "ws://127.0.0.1:${local.port}"
    dial {
      tcp = true
    }
    raw {
      text = "GET / HTTP/1.1\r\n"
    }
    signal "joined" {}
    expect_close {}
  }
  interrupt "drain" {
    await = "joined"
    count = 3
  }
  expect {
    exit_code = 0
    stderr {
      contains = ["drained"]
    }
  }
}
