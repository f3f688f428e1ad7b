# What becomes of connections: of all of them, and of one connector's as the peers
# of a network.
test "connections_begin_and_end" {
  tags = ["admin", "events"]
  locals {
    port     = free_port()
    admin    = free_port()
    upstream = free_port()
  }
  before "server" {
    flow = "flow.hcl"
    vars = { port = local.port, admin = local.admin, upstream = local.upstream }
    ready {
      http = "http://127.0.0.1:${local.admin}/readyz"
    }
  }
  peer "dashboard" {
    connect = "ws://127.0.0.1:${local.admin}/api/v1/ws?token=let-me-in&types=connection.new,connection.close"
    dial {}
    signal "listening" {}
    expect {
      includes = { type = "connection.new", data = { protocol = "ws_client", host = "127.0.0.1:${local.upstream}", backend = "up", client_ip = "", flow = "flow" } }
    }
    signal "up" {}
    expect {
      includes = { type = "connection.new", data = { protocol = "ws_server", host = "127.0.0.1:${local.port}", backend = "edge", client_ip = "127.0.0.1", peer_host = "127.0.0.1" } }
      save     = { id = event.data.id }
    }
    expect {
      includes = { type = "connection.close", data = { protocol = "ws_server", host = "127.0.0.1:${local.port}", backend = "edge", client_ip = "127.0.0.1", id = saved.id, cause = "peer", code = 4321, reason = "enough" } }
    }
    close {}
  }
  # What the figures say is what alice has counted: "hello" came, and went.
  peer "figures" {
    connect = "ws://127.0.0.1:${local.admin}/api/v1/ws?token=let-me-in&types=stats.update"
    dial {}
    signal "listening" {}
    expect {
      where = event.data.active_connections == 1 && event.data.total_connections == 2 && event.data.bytes_received == 5 && event.data.bytes_sent == 5
      skip  = true
    }
    close {}
    signal "counted" {}
  }
  peer "of_edge" {
    connect = "ws://127.0.0.1:${local.admin}/api/v1/connectors/edge/events?token=let-me-in"
    dial {}
    signal "listening" {}
    expect {
      where = event.type == "peer.joined" && event.data.virtual_ip == "127.0.0.1" && startswith(event.data.name, "127.0.0.1:")
      save  = { id = event.data.peer_id, name = event.data.name }
    }
    expect {
      where = event.type == "peer.updated" && event.data.peer_id == saved.id && length(event.data.endpoints) == 1 && "${event.data.endpoints[0].address}:${event.data.endpoints[0].port}" == saved.name && event.data.endpoints[0].type == "local"
    }
    expect {
      where = event.type == "peer.left" && event.data.peer_id == saved.id && event.data.name == saved.name
    }
    close {}
  }
  peer "by_lines" {
    connect = "ws://127.0.0.1:${local.admin}/"
    dial {
      tcp = true
    }
    raw {
      text = "GET /api/v1/events?connector=edge&types=connection.close HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer let-me-in\r\n\r\n"
    }
    expect_raw {
      matches = "\r\n: connected\n\n"
    }
    signal "listening" {}
    expect_raw {
      matches = ": connected\n\n\r\n[0-9a-f]+\r\ndata: {\"type\":\"connection.close\",.*\"code\":4321.*\n\n\r\n$"
    }
  }
  peer "peers_by_lines" {
    connect = "ws://127.0.0.1:${local.admin}/"
    dial {
      tcp = true
    }
    raw {
      text = "GET /api/v1/connectors/edge/events?types=peer.left HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\nAuthorization: Bearer let-me-in\r\n\r\n"
    }
    expect_raw {
      matches = "\r\n: connected\n\n"
    }
    signal "listening" {}
    expect_raw {
      matches = "data: {\"type\":\"peer.left\",.*\n\n"
    }
  }
  peer "upstream" {
    listen = "127.0.0.1:${local.upstream}"
    await "listening" {
      count = 5
    }
    accept {}
    await "counted" {}
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}/"
    await "up" {}
    send {
      text = "hello"
    }
    expect {
      text = "hello"
    }
    close {
      code   = 4321
      reason = "enough"
    }
    signal "done" {}
  }
  expect {
    process "server" {
      exit_code = 0
    }
  }
}
