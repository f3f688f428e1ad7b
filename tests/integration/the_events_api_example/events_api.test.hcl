# An API of live events that a flow declares, asked as clients of such APIs ask.
test "as_it_says" {
  tags = ["ws", "http", "sse", "topics", "events", "logs"]
  locals {
    port = free_port()
  }
  run {
    flow = "events_api.hcl"
    vars = { address = "127.0.0.1:${local.port}", token = "T" }
    args = ["--log-level", "debug"]
    ready {
      port = local.port
    }
  }
  peer "dashboard" {
    connect = "ws://127.0.0.1:${local.port}/api/v1/ws?token=T"
    send {
      text = "ping"
    }
    expect {
      text = "pong"
      skip = true
    }
    send {
      text = "anything else"
    }
    signal "there" {}
    expect {
      where = event.type == "connection.new" && event.data.backend == "members" && event.data.client_ip == "127.0.0.1" && startswith(event.timestamp, "20")
      skip  = true
    }
    expect {
      where = event.type == "connection.close" && event.data.backend == "members"
      skip  = true
    }
    signal "done" {}
    expect_close {
      code = 1001
      skip = true
    }
  }
  peer "network" {
    connect = "ws://127.0.0.1:${local.port}/api/v1/mesh/networks/home/events"
    headers = { Authorization = "Bearer T" }
    send {
      text = "ping"
    }
    expect {
      text = "pong"
    }
    signal "there" {}
    expect {
      where = event.type == "peer.joined" && event.data.name == "laptop" && event.data.virtual_ip == "127.0.0.1" && startswith(event.timestamp, "20")
      save  = { id = event.data.peer_id }
    }
    expect {
      json   = { type = "peer.updated", timestamp = null, data = { peer_id = saved.id, endpoints = [{ address = "192.168.1.9", port = 51820, type = "lan" }] } }
      ignore = ["timestamp"]
    }
    expect {
      json   = { type = "peer.left", timestamp = null, data = { peer_id = saved.id, name = "laptop" } }
      ignore = ["timestamp"]
    }
    signal "done" {}
    expect_close {
      code = 1001
    }
  }
  peer "elsewhere" {
    connect = "ws://127.0.0.1:${local.port}/api/v1/mesh/networks/office/events?token=T"
    ping {}
    signal "there" {}
    expect_close {
      code = 1001 # and not a message before
    }
  }
  peer "log" {
    connect = "ws://127.0.0.1:${local.port}"
    dial {
      tcp = true
    }
    raw {
      text = "GET /api/v1/logs/stream?token=T HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n"
    }
    expect_raw {
      matches = "\r\n\r\n(.|\\s)*data: {\"type\":\"connected\"}\n\n"
    }
    signal "there" {}
    expect_raw {
      matches = "data: {\"timestamp\":\".*\",\"level\":\"debug\",\"message\":\"connection closed\",\"fields\":{\"flow\":\"events_api\",\"connector\":\"members\",.*}\n\n"
    }
    signal "done" {}
  }
  peer "laptop" {
    connect = "ws://127.0.0.1:${local.port}/join/home?name=laptop&token=T"
    await "there" {
      count = 4
    }
    send {
      json = { endpoints = [{ address = "192.168.1.9", port = 51820, type = "lan" }] }
    }
    close {}
  }
  peer "stranger" {
    connect = "ws://127.0.0.1:${local.port}/api/v1/ws?token=T"
    headers = { Authorization = "Bearer U" }
    dial {
      status = 401
    }
    signal "done" {}
  }
  interrupt "end" {
    await = "done"
    count = 4
  }
  expect {
    exit_code = 0
    stderr {
      absent = ["token=T"]
    }
  }
}
