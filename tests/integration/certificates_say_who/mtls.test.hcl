test "and_only_named_ones_connect" {
  tags = ["ws", "access", "tls"]
  certificate "server" {}
  certificate "device" {
    hosts = ["a.devices.example.org"]
  }
  certificate "stranger" {
    hosts = ["a.example.org"]
  }
  locals {
    port = free_port()
  }
  before "bundle" {
    command = ["sh", "-c", "cat device.cert stranger.cert > clients.pem"]
    wait    = true
  }
  before "server" {
    flow = "flow.hcl"
    vars = { url = "wss://127.0.0.1:${local.port}" }
    ready {
      port = local.port
    }
  }
  peer "device" {
    connect = "wss://127.0.0.1:${local.port}"
    tls {
      cafile = "server.cert"
      cert   = "device.cert"
      key    = "device.key"
    }
    send {
      json = 1
    }
    expect {
      json = { names = ["a.devices.example.org"], sub = "string", print = 64 }
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
      status = 403
      where  = event.body == "{\"error\":\"not_allowed\",\"message\":\"this certificate may not connect\"}\n"
    }
  }
  peer "nobody" {
    connect = "wss://127.0.0.1:${local.port}"
    tls {
      cafile = "server.cert"
    }
    dial {
      status = 401
      where  = jsondecode(event.body).error == "credentials_missing"
    }
  }
  expect {
    process "server" {
      exit_code = 0
      stderr {
        contains = [
          "handshake refused: the client certificate carries none of the names",
          "handshake refused: there is no client certificate",
        ]
      }
    }
  }
}
