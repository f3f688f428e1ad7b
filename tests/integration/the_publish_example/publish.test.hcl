# A WebSocket path and plain HTTP routes, on one address.
test "as_it_says" {
  tags = ["http", "ws", "sse", "topics"]
  locals {
    port = free_port()
  }
  before "server" {
    flow = "publish.hcl"
    vars = { address = "127.0.0.1:${local.port}" }
    ready {
      port = local.port
    }
  }
  peer "socket" {
    connect = "ws://127.0.0.1:${local.port}/live"
    dial {}
    signal "socket" {}
    expect {
      json = { topic = "sports", news = { score = "2:1" } }
    }
    expect {
      json = { topic = "music", news = [1] }
    }
    close {}
  }
  # An EventSource that wants news of sports alone.
  peer "page" {
    connect = "ws://127.0.0.1:${local.port}"
    dial {
      tcp = true
    }
    raw {
      text = "GET /feed?topics=sports HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n"
    }
    expect_raw {
      matches = "^HTTP/1.1 200 OK\r\n(.|\\s)*Content-Type: text/event-stream\r\n(.|\\s)*\r\ndata: {\"type\":\"connected\"}\n\n"
    }
    signal "page" {}
    await "published" {}
    expect_raw {
      matches = "event: news\ndata: {\"topic\":\"sports\",\"news\":{\"score\":\"2:1\"}}\n\n\r\n$"
    }
    cut {}
  }
  peer "publisher" {
    connect = "ws://127.0.0.1:${local.port}"
    await "socket" {}
    await "page" {}
    dial {
      tcp = true
    }
    raw {
      text = "POST /publish/sports HTTP/1.1\r\nHost: x\r\nContent-Length: 15\r\n\r\n{\"score\":\"2:1\"}"
    }
    expect_raw {
      matches = "^HTTP/1.1 200 OK\r\n(.|\\s)*Content-Length: 0\r\n\r\n$"
    }
    raw {
      text = "POST /publish/music HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1]\r\n0\r\n\r\n"
    }
    expect_raw {
      matches = "200 OK(.|\\s)*200 OK(.|\\s)*\r\n\r\n$"
    }
    raw {
      text = "POST /publish/music HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n{"
    }
    expect_raw {
      matches = "HTTP/1.1 400 Bad Request(.|\\s)*\"error\":\"unreadable\""
    }
    signal "published" {}
    raw {
      text = "GET /publish/music HTTP/1.1\r\nHost: x\r\n\r\n"
    }
    expect_raw {
      matches = "HTTP/1.1 405 Method Not Allowed\r\n(.|\\s)*Allow: POST, OPTIONS"
    }
    cut {}
  }
}
