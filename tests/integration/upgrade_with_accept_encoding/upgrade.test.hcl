test "gzip_does_not_break_it" {
  tags = ["ws"]
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
  peer "browser" {
    connect = "ws://127.0.0.1:${local.port}"
    headers = { "Accept-Encoding" = "gzip, deflate, br" }
    dial {
      where = !has(event.headers["content-encoding"])
    }
    send {
      json = { a = "b" }
    }
    expect {
      json = { a = "b" }
    }
    close {}
  }
}
