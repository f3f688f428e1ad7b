test "open_messages_close" {
  tags = ["ws", "lifecycle"]
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
  peer "watch" {
    connect = "ws://127.0.0.1:${local.port}/watch"
    ping {}
    signal "watching" {}
    expect {
      json = { what = "open", who = "alice", said = null, code = null, reason = null }
    }
    expect {
      json  = { what = "message", who = "alice", said = n, code = null, reason = null }
      count = 10
    }
    expect {
      json = { what = "close", who = "alice", said = null, code = 4001, reason = "tired" }
    }
    signal "seen" {}
    expect {
      json = { what = "open", who = "bob", said = null, code = null, reason = null }
    }
    expect {
      json = { what = "close", who = "bob", said = null, code = 1006, reason = "the peer cut the connection off" }
    }
    close {}
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}/?name=alice"
    await "watching" {}
    expect {
      json = { welcome = "alice" }
    }
    send {
      json  = n
      count = 10
    }
    close {
      code   = 4001
      reason = "tired"
    }
  }
  peer "bob" {
    connect = "ws://127.0.0.1:${local.port}/?name=bob"
    await "seen" {}
    expect {
      json = { welcome = "bob" }
    }
    cut {}
  }
}
