test "are_let_in" {
  tags = ["ws", "tls", "security"]
  locals {
    port = free_port()
  }
  certificate "server" {}
  certificate "client" {}
  certificate "stranger" {}
  before "server" {
    flow = "server.hcl"
    vars = { url = "wss://127.0.0.1:${local.port}" }
    ready {
      port = local.port
    }
  }
  run {
    flow = "client.hcl"
    vars = { url = "wss://127.0.0.1:${local.port}" }
  }
  peer "client" {
    connect = "wss://127.0.0.1:${local.port}"
    tls {
      cafile = "server.cert"
      cert   = "client.cert"
      key    = "client.key"
    }
    send {
      json = "hello"
    }
    expect {
      json = "hello"
    }
    close {}
  }
  peer "stranger" {
    connect = "wss://127.0.0.1:${local.port}"
    tls {
      cafile = "server.cert"
      cert   = "stranger.cert"
      key    = "stranger.key"
    }
    dial {
      tcp = true
    }
    expect_close {}
  }
  peer "nobody" {
    connect = "wss://127.0.0.1:${local.port}"
    tls {
      cafile = "server.cert"
    }
    dial {
      tcp = true
    }
    expect_close {}
  }
  expect {
    exit_code = 0
    stdout {
      text = "\"hello\"\n"
    }
  }
}
