# Who posts does not wait for the service, which is busy at first, and refuses one.
test "as_it_says" {
  tags = ["http"]
  locals {
    port    = free_port()
    service = free_port()
  }
  before "outbox" {
    flow = "outbox.hcl"
    vars = { address = "127.0.0.1:${local.port}", service = "http://127.0.0.1:${local.service}/orders" }
    ready {
      port = local.port
    }
  }
  peer "client" {
    connect = "ws://127.0.0.1:${local.port}"
    dial {
      tcp = true
    }
    raw {
      text = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n{\"order\":1}"
    }
    expect_raw {
      matches = "^HTTP/1.1 200 OK\r\n(.|\\s)*\r\n\r\n$"
    }
    raw {
      text = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n{\"order\":2}"
    }
    expect_raw {
      matches = "200 OK(.|\\s)*200 OK(.|\\s)*\r\n\r\n$"
    }
    raw {
      text = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n{\"order\":3}"
    }
    expect_raw {
      matches = "200 OK(.|\\s)*200 OK(.|\\s)*200 OK(.|\\s)*\r\n\r\n$"
    }
    signal "posted" {}
    cut {}
  }
  peer "service" {
    listen = "127.0.0.1:${local.service}"
    await "posted" {}
    accept {
      tcp = true
    }
    expect_raw {
      matches = "^POST /orders HTTP/1.1\r\n(.|\\s)*{\"order\":1}$"
    }
    raw {
      text = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
    }
    expect_raw {
      matches = "{\"order\":1}(.|\\s)*{\"order\":1}$"
    }
    raw {
      text = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    }
    expect_raw {
      matches = "{\"order\":2}$"
    }
    raw {
      text = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
    }
    expect_raw {
      matches = "{\"order\":3}$"
    }
    raw {
      text = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"
    }
    cut {}
  }
  expect {
    process "outbox" {
      stderr {
        contains = ["stays in the queue", "503 Service Unavailable"]
      }
    }
    file "refused.ndjson" {
      events = [{ why = "POST http://127.0.0.1:${local.service}/orders: the answer is 400 Bad Request", record = { order = 2 } }]
    }
  }
}
