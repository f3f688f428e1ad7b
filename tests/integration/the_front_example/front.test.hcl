# A WebSocket for an HTTP API, which is a server that is scripted.
test "as_it_says" {
  tags = ["ws", "http"]
  locals {
    port = free_port()
    api  = free_port()
  }
  before "front" {
    flow = "front.hcl"
    vars = { address = "127.0.0.1:${local.port}", api = "http://127.0.0.1:${local.api}/v1", token = "hush-token" }
    ready {
      port = local.port
    }
  }
  peer "client" {
    connect = "ws://127.0.0.1:${local.port}"
    await "there" {}
    send {
      json = { id = "a", get = "users/7 8", query = { full = true } }
    }
    expect {
      json = { id = "a", status = 200, body = { name = "Ada" } }
    }
    send {
      json = { id = "b", get = "users/0" }
    }
    expect {
      json = { id = "b", status = 404, body = null }
    }
    send {
      json = { id = "c", get = "../admin" }
    }
    expect {
      where = contains(event.error, "would lead to another path")
    }
    send {
      json = { id = "d", get = "x" }
    }
    expect {
      where = contains(event.error, "403 Forbidden") && !contains(text, "hush")
    }
  }
  peer "api" {
    listen = "127.0.0.1:${local.api}"
    signal "there" {}
    accept {
      tcp = true
    }
    expect_raw {
      matches = "^GET /v1/users/7%208\\?full=true HTTP/1.1\r\n(.*\r\n)*Authorization: Bearer hush-token\r\n(.*\r\n)*\r\n$"
    }
    raw {
      text = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n{\"name\":\"Ada\"}"
    }
    # By the same connection.
    expect_raw {
      matches = "GET /v1/users/0 HTTP/1.1\r\n"
    }
    raw {
      text = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    }
    expect_raw {
      matches = "GET /v1/x HTTP/1.1\r\n"
    }
    raw {
      text = "HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nhush"
    }
  }
  expect {
    process "front" {
      stderr {
        absent = ["hush", "Bearer"]
      }
    }
  }
}
