test "and_harm_nobody_else" {
  tags = ["ws", "limits"]
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
  peer "mallory" {
    connect = "ws://127.0.0.1:${local.port}"
    send {
      text = jsonencode(range(1000))
    }
    expect_close {
      code   = 1009
      reason = "^a message is longer than max_message$"
    }
    signal "closed" {}
  }
  peer "in_pieces" {
    connect = "ws://127.0.0.1:${local.port}"
    frame {
      fin  = false
      text = jsonencode(range(200))
    }
    frame {
      opcode = 0
      fin    = false
      text   = jsonencode(range(200))
    }
    expect_close {
      code   = 1009
      reason = "^a message is longer than max_message$"
    }
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}"
    dial {}
    await "closed" {}
    send {
      json = { n = 1 }
    }
    expect {
      json = { n = 1 }
    }
    close {}
  }
  expect {
    process "server" {
      exit_code = 0
      stderr {
        matches = ["a message is longer than max_message, the connection is closed with 1009.*\"connector\":\"edge\".*\"peer\":\"127.0.0.1:.*\"max_message\":\"1KiB\""]
      }
    }
  }
}
