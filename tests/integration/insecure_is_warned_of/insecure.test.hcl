test "once_for_all_connections" {
  tags = ["ws", "tls", "security"]
  locals {
    port = free_port()
  }
  certificate "server" {}
  run {
    flow = "client.hcl"
    vars = { url = "https://127.0.0.1:${local.port}" }
  }
  peer "server" {
    listen = "127.0.0.1:${local.port}"
    tls {
      cert = "server.cert"
      key  = "server.key"
    }
    accept {}
    cut {}
    accept {}
    send {
      json = 1
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
    stdout {
      text = "1\n"
    }
    stderr {
      contains = ["insecure = true: the server's certificate is not checked"]
    }
  }
}
