# The live events of the admin API, as clients of other proxies know them: text
# messages {type, timestamp, data} over a WebSocket.
test "over_websocket" {
  tags = ["admin", "events"]
  locals {
    port     = free_port()
    admin    = free_port()
    upstream = free_port()
  }
  run {
    flow = "flow.hcl"
    vars = { port = local.port, admin = local.admin, upstream = local.upstream }
    args = ["--watch"]
    ready {
      http = "http://127.0.0.1:${local.admin}/readyz"
    }
  }
  peer "dashboard" {
    connect = "ws://127.0.0.1:${local.admin}/api/v1/ws?token=let-me-in&types=backend.health,config.saved,config.reload"
    dial {}
    send {
      text = "is anybody there"
    }
    send {
      text = "ping"
    }
    expect {
      text = "pong"
    }
    signal "listening" {}
    expect {
      includes = { type = "backend.health", data = { name = "up", healthy = true, flow = "flow", state = "open" } }
    }
    signal "up" {}
    expect {
      includes = { type = "backend.health", data = { name = "up", healthy = false, flow = "flow", state = "backing off" } }
    }
    signal "down" {}
    expect {
      includes = { type = "config.saved", data = { changed_sections = [], requires_restart = false, valid = false } }
    }
    expect {
      includes = { type = "config.reload", data = { changed_sections = [], error = "the files have errors, which are in the log" } }
    }
    signal "refused" {}
    expect {
      includes = { type = "config.saved", data = { changed_sections = ["flow", "connector.edge", "connector.talk", "connect.talk"], requires_restart = true, valid = true } }
    }
    expect {
      includes = { type = "config.reload", data = { changed_sections = ["flow", "connector.edge", "connector.talk", "connect.talk"], requires_restart = true } }
      skip     = true # talk and edge have come back
    }
    signal "done" {}
    expect_close {
      code = 1001
      skip = true
    }
  }
  peer "figures" {
    connect = "ws://127.0.0.1:${local.admin}/api/v1/ws?types=stats.update"
    headers = { Authorization = "Bearer let-me-in" }
    expect {
      where = event.type == "stats.update" && event.data.total_connections >= event.data.active_connections && has(event.data.bytes_sent) && has(event.data.bytes_received)
      count = 3
    }
    close {}
    signal "done" {}
  }
  peer "upstream" {
    listen = "127.0.0.1:${local.upstream}"
    await "listening" {}
    accept {}
    await "up" {}
    cut {}
  }
  interrupt "break" {
    await   = "down"
    replace = { "flow.hcl" = "broken.hcl" }
    signal  = "none"
  }
  interrupt "mend" {
    await   = "refused"
    replace = { "flow.hcl" = "next.hcl" }
    signal  = "none"
  }
  interrupt "end" {
    await = "done"
    count = 2
  }
  expect {
    exit_code = 0
    stderr {
      absent = ["let-me-in", "token="]
    }
  }
}

test "who_may_listen" {
  tags = ["admin", "events"]
  locals {
    port  = free_port()
    admin = free_port()
    bad   = "http://elsewhere.example"
  }
  before "server" {
    flow = "flow.hcl"
    vars = { port = local.port, admin = local.admin, max = 3 }
    args = ["--log-level", "debug"]
    ready {
      http = "http://127.0.0.1:${local.admin}/readyz"
    }
  }
  peer "refused" {
    connect = "ws://127.0.0.1:${local.admin}/api/v1/ws"
    dial {
      status = 401
    }
    dial {
      status = 401
      path   = "/api/v1/ws?token=guess"
    }
    # A header wins, even a wrong one.
    dial {
      status  = 401
      path    = "/api/v1/ws?token=let-me-in"
      headers = { Authorization = "guess" }
    }
    dial {
      status  = 403
      path    = "/api/v1/ws?token=let-me-in"
      headers = { Origin = local.bad }
    }
    dial {
      status = 400
      path   = "/api/v1/ws?token=let-me-in&types=connection.new,connection.old"
      where  = contains(event.body, "connection.close")
    }
    dial {
      status = 400
      path   = "/api/v1/ws?token=let-me-in&connector=egde"
    }
    dial {
      status = 404
      path   = "/api/v1/connectors/egde/events?token=let-me-in"
    }
    dial {
      path    = "/api/v1/ws?types=config.reload"
      headers = { Authorization = "let-me-in" }
    }
    signal "full" {}
    await "refused" {}
    close {}
  }
  peer "no_websocket" {
    connect = "ws://127.0.0.1:${local.admin}/"
    dial {
      tcp = true
    }
    raw {
      text = "GET /api/v1/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: let-me-in\r\n\r\n"
    }
    expect_raw {
      matches = "^HTTP/1.1 426 (?s).*upgrade_required"
    }
  }
  peer "two" {
    connect = "ws://127.0.0.1:${local.admin}/api/v1/ws?token=let-me-in&types=config.reload"
    count   = 2
    dial {}
    signal "full" {}
    await "refused" {}
    close {}
  }
  peer "one_too_many" {
    connect = "ws://127.0.0.1:${local.admin}/api/v1/ws?token=let-me-in"
    await "full" {
      count = 3
    }
    dial {
      status = 503
      where  = event.headers["retry-after"] == "5"
    }
    # What is not listened to has its own room.
    dial {
      tcp = true
    }
    raw {
      text = "GET /api/v1/status HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: let-me-in\r\n\r\n"
    }
    expect_raw {
      matches = "^HTTP/1.1 200 "
    }
    signal "refused" {}
  }
  expect {
    process "server" {
      exit_code = 0
      stderr {
        absent = ["let-me-in", "token=", "guess"]
      }
    }
  }
}

# Who answers pings, or says something, stays; of whom nothing is heard, does not.
test "who_says_nothing_is_closed" {
  tags = ["admin", "events"]
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
  peer "deaf" {
    connect      = "ws://127.0.0.1:${local.admin}/api/v1/ws?token=let-me-in"
    within       = "1m"
    answer_pings = false
    expect_close {
      code = 1001
      skip = true
    }
    signal "closed" {}
  }
  peer "patient" {
    connect = "ws://127.0.0.1:${local.admin}/api/v1/ws?token=let-me-in&types=config.reload"
    within  = "1m"
    expect_ping {}
    await "closed" {}
    send {
      text = "ping"
    }
    expect {
      text = "pong"
    }
    close {}
  }
  peer "talkative" {
    connect      = "ws://127.0.0.1:${local.admin}/api/v1/ws?token=let-me-in&types=config.reload"
    answer_pings = false
    repeat {
      times = 26
      send {
        text = "ping"
      }
      expect {
        text = "pong"
      }
      pause {
        for = "250ms"
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

# A hundred who listen do not hold up the end, and are told goodbye.
test "all_are_told_goodbye" {
  tags = ["admin", "events"]
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
  peer "crowd" {
    connect = "ws://127.0.0.1:${local.admin}/api/v1/ws?token=let-me-in&types=config.reload"
    count   = 100
    dial {}
    signal "listening" {}
    expect_close {
      code = 1001
    }
  }
  interrupt "end" {
    await  = "listening"
    count  = 100
    signal = "SIGINT"
  }
  expect {
    exit_code = 0
  }
}
