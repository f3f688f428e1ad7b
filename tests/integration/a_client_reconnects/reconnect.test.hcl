test "after_a_cut_and_after_a_close" {
  tags = ["ws", "reconnect"]
  locals {
    port = free_port()
  }
  run {
    flow = "flow.hcl"
    vars = { url = "ws://127.0.0.1:${local.port}" }
  }
  peer "server" {
    listen = "127.0.0.1:${local.port}"
    accept {}
    send {
      json = 1
    }
    ping {}
    cut {}
    accept {}
    send {
      json = 2
    }
    close {}
    accept {}
    send {
      json = 3
    }
    ping {}
    signal "sent" {}
    expect_close {
      code = 1000
    }
  }
  interrupt "end" {
    await = "sent"
  }
  expect {
    exit_code = 0
    file "heard.ndjson" {
      events = [1, 2, 3]
    }
  }
}
