test "with_on_lost_peer" {
  tags = ["ws", "errors"]
  locals {
    port = free_port()
  }
  before "server" {
    flow = "flow.hcl"
    vars = { url = "127.0.0.1:${local.port}" }
    ready {
      port = local.port
    }
  }
  peer "ghost" {
    connect = "ws://127.0.0.1:${local.port}"
    await "joined" {}
    send {
      json = { who = true }
    }
    expect {
      where = has(event.id)
      save  = { id = event.id }
    }
    send {
      json = { iam = saved.id }
    }
    expect {
      json = { iam = saved.id }
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
      json = { to = saved.ghost, body = "are you there" }
    }
    await "gone" {}
    send {
      json = { to = saved.ghost, body = "and now" }
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
  expect {
    file "errors.ndjson" {
      format  = "ndjson"
      count   = 1
      matches = ["\"event\":\"and now\""]
    }
  }
}
