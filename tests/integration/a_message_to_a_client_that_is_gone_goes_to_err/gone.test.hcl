test "with_on_lost_peer" {
  tags = ["ws", "errors"]
  locals {
    port = free_port()
  }
  before "server" {
    flow = "flow.hcl"
    vars = { url = "127.0.0.1:${local.port}", lost = "err" }
    args = ["--log-level", "debug"]
    ready {
      port = local.port
    }
  }
  peer "ghost" {
    connect = "ws://127.0.0.1:${local.port}"
    await "joined" {
      count = 2
    }
    send {
      json = { who = true }
    }
    expect {
      where = has(event.id)
      save  = { self = event }
    }
    send {
      json = { iam = saved.self }
    }
    expect {
      json = { iam = saved.self }
    }
    expect {
      json = "are you there"
    }
    close {}
    signal "gone" {}
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}"
    ping {}
    signal "joined" {}
    expect {
      where = has(event.iam)
      save  = { ghost = event.iam }
    }
    send {
      json = { to = saved.ghost.id, body = "are you there" }
    }
    await "noticed" {}
    send {
      json = { to = saved.ghost.id, body = "and now" }
    }
    send {
      json = { to = { id = saved.ghost.id }, body = "and now" }
    }
    send {
      json = { to = { host = saved.ghost.host, port = saved.ghost.port }, body = "and now" }
    }
    # The connection of the one who wrote stays open.
    send {
      json = { iam = "alone" }
    }
    expect {
      json = { iam = "alone" }
    }
    close {}
  }
  # The goodbye is answered before the connection has left.
  interrupt "noticed" {
    to     = "server"
    await  = "gone"
    signal = "none"
    ready {
      log = "\"connection closed\""
    }
  }
  # Nobody else gets what was for the one that is gone.
  peer "bystander" {
    connect = "ws://127.0.0.1:${local.port}"
    ping {}
    signal "joined" {}
    expect {
      where = has(event.iam.id)
    }
    expect {
      json = { iam = "alone" }
    }
    close {}
  }
  expect {
    file "errors.ndjson" {
      events = [for n in range(3) : {
        event = "and now"
        error = { component = "connector.edge" }
        peer  = { connector = "edge", host = "127.0.0.1" }
      }]
      ignore  = ["error.kind", "error.message", "error.at", "error.step", "peer.id", "peer.port", "raw"]
      matches = ["no longer open"]
    }
  }
}

test "or_nowhere" {
  tags = ["ws", "errors"]
  locals {
    port = free_port()
  }
  before "server" {
    flow = "flow.hcl"
    vars = { url = "127.0.0.1:${local.port}", lost = "drop" }
    ready {
      port = local.port
    }
  }
  peer "ghost" {
    connect = "ws://127.0.0.1:${local.port}"
    await "joined" {
      count = 2
    }
    send {
      json = { who = true }
    }
    expect {
      where = has(event.id)
      save  = { self = event }
    }
    send {
      json = { iam = saved.self }
    }
    expect {
      json = { iam = saved.self }
    }
    expect {
      json = "are you there"
    }
    close {}
    signal "gone" {}
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}"
    ping {}
    signal "joined" {}
    expect {
      where = has(event.iam)
      save  = { ghost = event.iam }
    }
    send {
      json = { to = saved.ghost.id, body = "are you there" }
    }
    await "gone" {}
    send {
      json = { to = saved.ghost.id, body = "and now" }
    }
    send {
      json = { to = { id = saved.ghost.id }, body = "and now" }
    }
    send {
      json = { to = { host = saved.ghost.host, port = saved.ghost.port }, body = "and now" }
    }
    # The connection of the one who wrote stays open.
    send {
      json = { iam = "alone" }
    }
    expect {
      json = { iam = "alone" }
    }
    close {}
  }
  # Nobody else gets what was for the one that is gone.
  peer "bystander" {
    connect = "ws://127.0.0.1:${local.port}"
    ping {}
    signal "joined" {}
    expect {
      where = has(event.iam.id)
    }
    expect {
      json = { iam = "alone" }
    }
    close {}
  }
  expect {
    file "errors.ndjson" {
      text = ""
    }
  }
}
