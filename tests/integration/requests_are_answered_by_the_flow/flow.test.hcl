test "at_once_or_later" {
  tags = ["http"]
  locals {
    port = free_port()
    http = "ws://127.0.0.1:${local.port}"
  }
  before "server" {
    flow = "flow.hcl"
    vars = { address = "127.0.0.1:${local.port}" }
    ready {
      port = local.port
    }
  }
  peer "items" {
    connect = local.http
    dial {
      tcp = true
    }
    raw {
      text = "GET /items/7 HTTP/1.1\r\nHost: x\r\nAccept-Language: de\r\n\r\n"
    }
    expect_raw {
      matches = "^HTTP/1.1 201 Created\r\n(.|\\s)*Content-Type: application/json\r\n(.|\\s)*Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n(.|\\s)*X-Route: GET /{id}\r\n(.|\\s)*{\"id\":\"7\",\"method\":\"GET\",\"got\":null,\"lang\":\"de\"}$"
    }
    # The status of a number that came as JSON, on the same connection.
    raw {
      text = "PATCH /items/a%2Fb HTTP/1.1\r\nHost: x\r\nContent-Length: 14\r\n\r\n{\"status\":404}"
    }
    expect_raw {
      matches = "HTTP/1.1 404 Not Found\r\n(.|\\s)*{\"id\":\"a/b\",\"method\":\"PATCH\",\"got\":{\"status\":404},\"lang\":null}$"
    }
    raw {
      text = "PUT /items/7 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n{"
    }
    expect_raw {
      matches = "HTTP/1.1 422 Unprocessable Entity\r\n(.|\\s)*{\"sorry\":\"decode\"}$"
    }
    raw {
      text = "PUT /items/7 HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\nExpect: 100-continue\r\n\r\n"
    }
    expect_raw {
      matches = "HTTP/1.1 413 Request Entity Too Large\r\n(.|\\s)*Connection: close\r\n(.|\\s)*{\"error\":\"body_too_large\""
    }
  }
  peer "bulk" {
    connect = local.http
    dial {
      tcp = true
    }
    raw {
      text = "POST /bulk HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{\"n\":1}\n\r\n4\r\n{\"n\"\r\n"
    }
    raw {
      text = "c\r\n:2}\n{}\n{\"n\":\r\n2\r\n3}\r\n0\r\n\r\n"
    }
    expect_raw {
      matches = "^HTTP/1.1 200 OK\r\n(.|\\s)*Content-Type: application/x-ndjson\r\n(.|\\s)*\r\n\r\n{\"n\":2}\n{\"n\":4}\n{\"n\":6}\n$"
    }
    cut {}
  }
  peer "later" {
    connect = local.http
    count   = 3
    dial {
      tcp = true
    }
    raw {
      text = "POST /sum HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\n{\"n\":10}"
    }
    expect_raw {
      matches = "^HTTP/1.1 200 OK\r\n(.|\\s)*{\"sum\":\\d+}$"
    }
    cut {}
  }
}
