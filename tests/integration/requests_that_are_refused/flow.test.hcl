test "with_a_status_that_says_why" {
  tags = ["http", "access"]
  locals {
    port = free_port()
    http = "ws://127.0.0.1:${local.port}"
    hook = "POST /hook HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    key  = "Authorization: Bearer let-me-in\r\n"
  }
  before "server" {
    flow = "flow.hcl"
    vars = { address = "127.0.0.1:${local.port}" }
    ready {
      port = local.port
    }
  }
  peer "stranger" {
    connect = local.http
    dial {
      tcp = true
    }
    raw {
      text = "${local.hook}Content-Length: 1\r\n\r\n1"
    }
    expect_raw {
      matches = "^HTTP/1.1 401 Unauthorized\r\n(.|\\s)*Connection: close\r\n(.|\\s)*Www-Authenticate: Bearer\r\n(.|\\s)*{\"error\":\"credentials_missing\""
    }
    signal "stranger" {}
  }
  peer "guest" {
    connect = local.http
    await "stranger" {}
    dial {
      tcp = true
    }
    raw {
      text = "${local.hook}${local.key}Content-Length: 1\r\n\r\n1"
    }
    expect_raw {
      matches = "^HTTP/1.1 200 OK\r\n"
    }
    raw {
      text = "POST /hook HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n${local.key}Content-Length: 1\r\n\r\n1"
    }
    expect_raw {
      matches = "HTTP/1.1 415 Unsupported Media Type\r\n(.|\\s)*{\"error\":\"unsupported_media_type\""
    }
    # A body that does not come, and another request from the same address meanwhile.
    dial {
      tcp = true
    }
    raw {
      text = "${local.hook}${local.key}Content-Length: 10\r\n\r\n1"
    }
    signal "slow" {}
    expect_raw {
      matches = "^HTTP/1.1 408 Request Timeout\r\n(.|\\s)*{\"error\":\"body_too_slow\""
    }
  }
  peer "page" {
    connect = local.http
    dial {
      tcp = true
    }
    raw {
      text = "OPTIONS /slow HTTP/1.1\r\nHost: x\r\nOrigin: https://app.example\r\nAccess-Control-Request-Method: PUT\r\nAccess-Control-Request-Headers: content-type\r\n\r\n"
    }
    expect_raw {
      matches = "^HTTP/1.1 204 No Content\r\n(.|\\s)*Access-Control-Allow-Headers: content-type\r\n(.|\\s)*Access-Control-Allow-Methods: .*PUT(.|\\s)*Access-Control-Allow-Origin: https://app.example\r\n(.|\\s)*\r\n\r\n$"
    }
    raw {
      text = "PUT /slow HTTP/1.1\r\nHost: x\r\nOrigin: https://app.example\r\nContent-Length: 1\r\n\r\n1"
    }
    expect_raw {
      matches = "HTTP/1.1 504 Gateway Timeout\r\n(.|\\s)*{\"error\":\"no_reply\""
    }
    raw {
      text = "PUT /slow HTTP/1.1\r\nHost: x\r\nOrigin: https://evil.example\r\nContent-Length: 1\r\n\r\n1"
    }
    expect_raw {
      matches = "HTTP/1.1 403 Forbidden\r\n(.|\\s)*{\"error\":\"origin_not_allowed\""
    }
  }
  peer "lost" {
    connect = local.http
    dial {
      tcp = true
    }
    raw {
      text = "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"
    }
    expect_raw {
      matches = "^HTTP/1.1 404 Not Found\r\n"
    }
    dial {
      tcp = true
    }
    raw {
      text = "GET /hook HTTP/1.1\r\nHost: x\r\n\r\n"
    }
    expect_raw {
      matches = "^HTTP/1.1 405 Method Not Allowed\r\nAllow: POST, OPTIONS\r\n"
    }
  }
  expect {
    process "server" {
      stderr {
        contains = ["request refused: there is no token", "request refused: body_timeout is reached", "a request could not be served: the flow has not replied within reply_timeout"]
        absent   = ["let-me-in"]
      }
    }
  }
}
