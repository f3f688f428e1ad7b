test "as_it_says" {
  tags = ["ws", "topics", "auth"]
  locals {
    port = free_port()
  }
  before "server" {
    flow = "networks.hcl"
    vars = { url = "ws://127.0.0.1:${local.port}", token = "T" }
    ready {
      port = local.port
    }
  }
  peer "dashboard" {
    connect = "ws://127.0.0.1:${local.port}/networks/home/events?token=T"
    headers = { Origin = "https://dash.example.org" }
    send {
      text = "ping"
    }
    expect {
      text = "pong"
    }
    send {
      text = "anything else"
    }
    signal "there" {}
    expect {
      json   = { type = "peer.joined", timestamp = null, data = { name = "a" } }
      ignore = ["timestamp"]
    }
    signal "heard" {}
    close {}
  }
  peer "late" {
    connect = "ws://127.0.0.1:${local.port}/networks/home/events"
    headers = { Authorization = "T" }
    await "heard" {}
    expect {
      where = event.type == "peer.joined" && startswith(event.timestamp, "20")
    }
    close {}
  }
  peer "elsewhere" {
    connect = "ws://127.0.0.1:${local.port}/networks/office/events?token=T"
    ping {}
    signal "there" {}
    await "heard" {}
    silence {
      for = "50ms"
    }
    close {}
  }
  peer "wrong" {
    connect = "ws://127.0.0.1:${local.port}/networks/home/events?token=T"
    headers = { Authorization = "Bearer U" }
    dial {
      status = 401
    }
  }
  peer "page" {
    connect = "ws://127.0.0.1:${local.port}/networks/home/events?token=T"
    headers = { Origin = "https://evil.example.org" }
    dial {
      status = 403
    }
  }
  peer "report" {
    connect = "ws://127.0.0.1:${local.port}/report"
    headers = { Authorization = "Bearer T" }
    dial {}
    await "there" {
      count = 2
    }
    send {
      json = { network = "home", type = "peer.joined", data = { name = "a" } }
    }
    close {}
  }
}
