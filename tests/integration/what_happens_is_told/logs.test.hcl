# The log as Server-Sent Events.
test "the_log_is_streamed" {
  tags = ["admin", "logs"]
  locals {
    port  = free_port()
    admin = free_port()
  }
  run {
    flow = "flow.hcl"
    vars = { port = local.port, admin = local.admin }
    ready {
      http = "http://127.0.0.1:${local.admin}/readyz"
    }
  }
  peer "all" {
    connect = "ws://127.0.0.1:${local.admin}/"
    dial {
      tcp = true
    }
    raw {
      text = "GET /api/v1/logs/stream?token=let-me-in HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    }
    expect_raw {
      matches = "^HTTP/1.1 200 OK\r\n(?s).*Cache-Control: no-cache\r\n.*Content-Type: text/event-stream\r\n.*X-Accel-Buffering: no\r\n.*\r\ndata: {\"type\":\"connected\"}\n\n"
    }
    signal "connected" {}
    expect_raw {
      matches = "data: {\"timestamp\":\"....-..-..T..:..:..\\....Z\",\"level\":\"info\",\"message\":\"hello there\",\"fields\":{\"flow\":\"flow\",\"connector\":\"talk\"}}\n\n"
    }
    signal "heard" {}
    expect_raw {
      matches = "\r\n0\r\n\r\n$" # the end, not an interruption
    }
  }
  peer "problems" {
    connect = "ws://127.0.0.1:${local.admin}/"
    dial {
      tcp = true
    }
    raw {
      text = "GET /api/v1/logs/stream?level=error HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer let-me-in\r\n\r\n"
    }
    expect_raw {
      matches = "\r\n\r\n(?s).*connected\"}\n\n"
    }
    signal "connected" {}
    expect_raw {
      matches = "connected\"}\n\n\r\n0\r\n\r\n$"
    }
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}/"
    await "connected" {
      count = 2
    }
    send {
      text = "hello there"
    }
    expect {
      text = "hello there"
    }
    await "heard" {}
    close {}
    signal "done" {}
  }
  interrupt "end" {
    await = "done"
  }
  expect {
    exit_code = 0
    stderr {
      absent = ["token=", "let-me-in"]
    }
  }
}

test "the_101st_is_refused" {
  tags = ["admin", "logs"]
  locals {
    port  = free_port()
    admin = free_port()
  }
  before "server" {
    flow = "flow.hcl"
    vars = { port = local.port, admin = local.admin }
    ready {
      http = "http://127.0.0.1:${local.admin}/readyz"
    }
  }
  peer "crowd" {
    connect = "ws://127.0.0.1:${local.admin}/"
    count   = 100
    dial {
      tcp = true
    }
    raw {
      text = "GET /api/v1/logs/stream?token=let-me-in HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    }
    expect_raw {
      matches = "connected"
      within  = "1m"
    }
    signal "connected" {}
    await "refused" {
      within = "1m"
    }
  }
  peer "one_too_many" {
    connect = "ws://127.0.0.1:${local.admin}/"
    await "connected" {
      count  = 100
      within = "1m"
    }
    dial {
      tcp = true
    }
    raw {
      text = "GET /api/v1/logs/stream?token=let-me-in HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    }
    expect_raw {
      matches = "^HTTP/1.1 503 (?s).*Retry-After: 5\r\n"
    }
    signal "refused" {}
  }
  expect {
    process "server" {
      exit_code = 0
    }
  }
}

# 1,000 records of 8 KiB are more than any socket buffers for one who does not read.
# Whose talk is logged waits for nobody.
test "who_does_not_read_is_cut" {
  tags    = ["admin", "logs", "slow"]
  timeout = "5m"
  locals {
    port  = free_port()
    admin = free_port()
    page  = join("", [for i in range(124) : "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"])
  }
  before "server" {
    flow = "flow.hcl"
    vars = { port = local.port, admin = local.admin }
    args = ["--log-level", "debug"]
    ready {
      http = "http://127.0.0.1:${local.admin}/readyz"
    }
  }
  peer "slow" {
    connect        = "ws://127.0.0.1:${local.admin}/"
    receive_buffer = "4KiB"
    dial {
      tcp = true
    }
    raw {
      text = "GET /api/v1/logs/stream?token=let-me-in HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    }
    expect_raw {
      matches = "connected"
    }
    read {
      rate = "0B"
    }
    signal "joined" {}
    await "cut" {
      within = "4m"
    }
  }
  peer "watcher" {
    connect = "ws://127.0.0.1:${local.admin}/"
    dial {
      tcp = true
    }
    raw {
      text = "GET /api/v1/logs/stream?token=let-me-in HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    }
    expect_raw {
      matches = "listens no more.*/api/v1/logs/stream.*i/o timeout"
      within  = "4m"
    }
    signal "cut" {}
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}/"
    await "joined" {}
    repeat {
      times = 1000
      send {
        text = "${n} ${local.page}"
      }
      expect {
        text = "${n} ${local.page}"
      }
    }
    close {}
  }
  expect {
    process "server" {
      exit_code = 0
    }
  }
}
