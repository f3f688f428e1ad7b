test "all_of_them" {
  tags = ["ws", "sessions"]
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
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}/?user=alice"
    count   = 3
    ping {}
    signal "there" {}
    expect {
      json = { to = "alice", n = 1 }
    }
    expect {
      json = { to = ["alice", "bob", "alice"], n = 2 }
    }
    silence {
      for = "50ms"
    }
    close {}
  }
  peer "bob" {
    connect = "ws://127.0.0.1:${local.port}/?user=bob"
    dial {}
    await "there" {
      count = 3
    }
    send {
      json = { to = "alice", n = 1 }
    }
    send {
      json = { to = ["alice", "bob", "alice"], n = 2 }
    }
    expect {
      json = { to = ["alice", "bob", "alice"], n = 2 }
    }
    send {
      json = { to = null, n = 3 }
    }
    send {
      json = { to = "carol", n = 4 }
    }
    expect {
      where = event.error.kind == "write" && event.error.message == "connector.edge: connection of this identity: the connection is no longer open" && event.event.n == 4
    }
    send {
      json = { to = {}, n = 5 }
    }
    expect {
      where = event.error.kind == "identity" && event.error.message == "an identity is a string or a number, and this is an object"
    }
    close {}
  }
}
