test "in_every_handshake" {
  tags = ["ws", "access"]
  locals {
    port = free_port()
  }
  run {
    flow = "flow.hcl"
    vars = { url = "127.0.0.1:${local.port}" }
  }
  peer "server" {
    listen = "127.0.0.1:${local.port}"
    count  = 2
    accept {
      where = event.headers.authorization == (event.path == "/basic" ? "Basic ${base64encode("me:open sesame")}" : "Bearer hunter2")
    }
    send {
      json = 1
    }
    expect {
      json = 1
    }
    signal "served" {}
    expect_close {
      code = 1000
    }
  }
  interrupt "run" {
    await = "served"
    count = 2
  }
  expect {
    exit_code = 0
    stderr {
      absent = ["hunter2", "sesame"]
    }
  }
}
