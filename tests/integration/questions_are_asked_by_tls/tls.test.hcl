# A server with a certificate, which asks for one, and for a password.
test "with_certificates" {
  tags = ["ws", "http", "tls"]
  locals {
    port   = free_port()
    behind = free_port()
  }
  certificate "server" {}
  certificate "client" {}
  before "behind" {
    flow = "behind.hcl"
    vars = { address = "127.0.0.1:${local.behind}" }
    ready {
      port = local.behind
    }
  }
  before "front" {
    flow = "flow.hcl"
    vars = { address = "127.0.0.1:${local.port}", behind = "127.0.0.1:${local.behind}" }
    ready {
      port = local.port
    }
  }
  peer "client" {
    connect = "ws://127.0.0.1:${local.port}"
    send {
      json = { n = 1 }
    }
    expect {
      json = { n = 1 }
    }
    send {
      json = { fail = true }
    }
    expect_all {
      message {
        json = { fail = true }
      }
      message {
        where = contains(event.why, "POST https://ada:(secret)@127.0.0.1:${local.behind}: the server's certificate is not trusted")
      }
    }
    close {}
  }
  expect {
    process "front" {
      stderr {
        absent = ["hush"]
      }
    }
  }
}
