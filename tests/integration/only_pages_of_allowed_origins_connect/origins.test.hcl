test "others_are_refused_with_403" {
  tags = ["ws", "access"]
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
  peer "evil" {
    connect = "ws://127.0.0.1:${local.port}"
    dial {
      headers = { Origin = "https://example.org.evil.example" }
      status  = 403
      where   = event.body == "{\"error\":\"origin_not_allowed\",\"message\":\"pages of this origin may not connect\"}\n"
    }
    dial {
      headers = { Origin = "null" }
      status  = 403
      where   = event.headers["content-type"] == "application/json"
    }
  }
  peer "page" {
    connect = "ws://127.0.0.1:${local.port}"
    headers = { Origin = "https://app.example.org" }
    send {
      json = 1
    }
    expect {
      json = 1
    }
    close {}
  }
  peer "self" {
    connect = "ws://127.0.0.1:${local.port}"
    headers = { Origin = "http://127.0.0.1:${local.port}" }
    send {
      json = 1
    }
    expect {
      json = 1
    }
    close {}
  }
  peer "no_browser" {
    connect = "ws://127.0.0.1:${local.port}"
    send {
      json = 1
    }
    expect {
      json = 1
    }
    close {}
  }
  expect {
    process "server" {
      exit_code = 0
      stderr {
        contains = [
          "\"handshake refused: the origin is not one of origins\"",
          "\"status\":403,\"code\":\"origin_not_allowed\",\"origin\":\"https://example.org.evil.example\"",
        ]
      }
    }
  }
}
