test "wherever_they_are_sent" {
  tags = ["ws", "access"]
  locals {
    port = free_port()
  }
  before "server" {
    flow = "flow.hcl"
    args = ["--log-level", "debug"]
    vars = { url = "127.0.0.1:${local.port}" }
    ready {
      port = local.port
    }
  }
  peer "header" {
    connect = "ws://127.0.0.1:${local.port}/?a=1"
    headers = { Authorization = "Bearer let-me-in" }
    send {
      json = 1
    }
    expect {
      includes = { claims = {}, query = { a = "1" }, cookies = {} }
    }
    close {}
  }
  peer "bare" {
    connect = "ws://127.0.0.1:${local.port}"
    headers = { Authorization = "alices-key" }
    send {
      json = 1
    }
    expect {
      includes = { claims = { sub = "alice", plan = "pro" }, query = {}, cookies = {} }
    }
    close {}
  }
  peer "query" {
    connect = "ws://127.0.0.1:${local.port}/?token=bobs-key&a=1"
    send {
      json = 1
    }
    expect {
      includes = { claims = { sub = "bob", topics = ["a", "b"] }, query = { a = "1" }, cookies = {} }
    }
    close {}
  }
  peer "cookie" {
    connect = "ws://127.0.0.1:${local.port}"
    headers = { Cookie = "a=b; session=let-me-in" }
    send {
      json = 1
    }
    expect {
      includes = { claims = {}, query = {}, cookies = { a = "b" } }
    }
    close {}
  }
  peer "subprotocol" { # what a page can send without a query
    connect      = "ws://127.0.0.1:${local.port}"
    subprotocols = ["feed.v1", "bearer.let-me-in"]
    dial {
      where = event.subprotocol == "feed.v1"
    }
    send {
      json = 1
    }
    expect {
      includes = { claims = {}, subprotocol = "feed.v1", offered = "feed.v1" }
    }
    close {}
  }
  peer "mallory" {
    connect = "ws://127.0.0.1:${local.port}"
    dial {
      status = 401
      where  = event.headers["www-authenticate"] == "Bearer"
    }
    dial { # a header wins, even if it is wrong
      path    = "/?token=let-me-in"
      headers = { Authorization = "Bearer hunter2" }
      status  = 401
      where   = jsondecode(event.body).error == "credentials_invalid"
    }
    dial {
      path   = "/?token=hunter2"
      status = 401
    }
  }
  expect {
    process "server" {
      exit_code = 0
      stderr {
        contains = [
          "handshake refused: there is no token",
          "handshake refused: the token is not a known one",
        ]
        absent = ["hunter2", "let-me-in", "-key"]
      }
    }
  }
}
