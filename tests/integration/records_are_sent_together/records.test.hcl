# Records that come over TCP leave by WebSocket as Fluent Bit sends them: several lines in a
# frame, as many as fit; at the end, what is left.
test "in_frames_as_long_as_may_be" {
  tags = ["tcp", "ws", "processors"]
  locals {
    port = free_port()
    up   = free_port()
  }
  before "server" {
    flow = "forward.hcl"
    vars = { address = "127.0.0.1:${local.port}", url = "ws://127.0.0.1:${local.up}/" }
    ready {
      port = local.port
    }
  }
  peer "server" {
    listen = "127.0.0.1:${local.up}"
    accept {}
    expect {
      type = "text"
      text = "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n"
    }
    expect {
      text = "{\"long\":\"longer than max_bytes\"}\n"
    }
    signal "heard" {}
    expect {
      text = "{\"n\":4}\n{\"n\":5}\n"
    }
    expect_close {}
  }
  peer "netcat" {
    connect = "ws://127.0.0.1:${local.port}"
    dial {
      tcp = true
    }
    raw {
      text = "{\"n\":1}\n{\"n\":2}\n"
    }
    raw {
      text = "{\"n\":3}\n{\"long\":\"longer than max_bytes\"}\n"
    }
    await "heard" {}
    raw {
      text = "{\"n\":4}\n{\"n\":5}\n"
    }
    cut {
      how = "end"
    }
    signal "done" {}
  }
  interrupt "end" {
    to    = "server"
    await = "done"
  }
}

# What is too little for a frame goes when it has waited for max_wait.
test "after_a_while" {
  tags = ["tcp", "ws", "processors"]
  locals {
    port = free_port()
    up   = free_port()
  }
  before "server" {
    flow = "forward.hcl"
    vars = { address = "127.0.0.1:${local.port}", url = "ws://127.0.0.1:${local.up}/", max_wait = "50ms" }
    ready {
      port = local.port
    }
  }
  peer "server" {
    listen = "127.0.0.1:${local.up}"
    accept {}
    expect {
      text = "{\"n\":1}\n"
    }
    signal "heard" {}
    expect {
      text = "{\"n\":2}\n"
    }
    signal "all" {}
    expect_close {}
  }
  peer "netcat" {
    connect = "ws://127.0.0.1:${local.port}"
    dial {
      tcp = true
    }
    raw {
      text = "{\"n\":1}\n"
    }
    await "heard" {}
    raw {
      text = "{\"n\":2}\n"
    }
    await "all" {}
    cut {
      how = "end"
    }
    signal "done" {}
  }
  interrupt "end" {
    to    = "server"
    await = "done"
  }
}

# A request holds several, too. They are on the disk until it is answered: one that is
# refused for good goes to err record by record, the others are posted again.
test "in_requests" {
  tags = ["tcp", "http", "processors"]
  locals {
    port    = free_port()
    service = free_port()
  }
  before "server" {
    flow = "post.hcl"
    vars = { address = "127.0.0.1:${local.port}", url = "http://127.0.0.1:${local.service}/" }
    ready {
      port = local.port
    }
  }
  peer "netcat" {
    connect = "ws://127.0.0.1:${local.port}"
    dial {
      tcp = true
    }
    raw {
      text = "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n"
    }
    await "again" {}
    raw {
      text = "{\"n\":4}\n{\"n\":5}\n{\"n\":6}\n"
    }
    await "all" {}
    cut {}
  }
  peer "service" {
    listen = "127.0.0.1:${local.service}"
    accept {
      tcp = true
    }
    expect_raw {
      matches = "^POST / HTTP/1.1\r\n(.|\\s)*\r\n\r\n{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n$"
    }
    raw {
      text = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
    }
    expect_raw {
      matches = "({\"n\":1}\n{\"n\":2}\n{\"n\":3}\n(.|\\s)*){2}$"
    }
    raw {
      text = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    }
    signal "again" {}
    expect_raw {
      matches = "\r\n\r\n{\"n\":4}\n{\"n\":5}\n{\"n\":6}\n$"
    }
    raw {
      text = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
    }
    signal "all" {}
    cut {}
  }
  expect {
    file "refused.ndjson" {
      events = ["{\"n\":4}\n", "{\"n\":5}\n", "{\"n\":6}\n"]
    }
  }
}
