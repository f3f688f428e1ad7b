test "hold_up_nobody" {
  tags = ["ws", "security"]
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
    count   = 20
    dial {
      tcp = true
    }
    raw {
      text = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: webso"
    }
    signal "hanging" {}
    await "served" {
      within = "1m"
    }
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}"
    await "hanging" {
      count = 20
    }
    send {
      json = 1
    }
    expect {
      json = 1
    }
    close {}
    signal "served" {}
  }
}
