# Alice has said two of the three things that a list is made of when the flow is
# changed. Her connection and her list stay; what is said then goes by the new edge,
# too. Bob's server is another one: he is told to come back, and finds it at once.
test "by_signal" {
  tags = ["ws", "reload"]
  locals {
    port = free_port()
  }
  run {
    flow = "flow.hcl"
    vars = { port = local.port }
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}/edge"
    send {
      json = { n = 1 }
    }
    ping {}
    signal "ready" {}
    await "replaced" {}
    send {
      json = { n = 2 }
    }
    expect {
      json = { n = 2 }
    }
    send {
      json = { n = 3 }
    }
    expect {
      json = [{ n = 1 }, { n = 2 }, { n = 3 }]
    }
    close {}
    signal "done" {}
  }
  peer "bob" {
    connect = "ws://127.0.0.1:${local.port}/side"
    send {
      json = { n = 1 }
    }
    expect {
      json = { n = 1 }
    }
    signal "ready" {}
    expect_close {
      code = 1012
    }
    dial {
      where = event.headers["x-edition"] == "2"
    }
    send {
      json = { n = 2 }
    }
    expect {
      json = { n = 2 }
    }
    signal "replaced" {}
    close {}
    signal "done" {}
  }
  interrupt "change" {
    await   = "ready"
    count   = 2
    replace = { "flow.hcl" = "next.hcl" }
    signal  = "SIGHUP"
  }
  interrupt "end" {
    await = "done"
    count = 2
    ready {
      log = "\"msg\":\"reloaded\""
    }
  }
  expect {
    exit_code = 0
    stderr {
      matches = ["\"msg\":\"reloaded\",\"why\":\"SIGHUP\",\"kept\":1,\"rewired\":1,\"started\":0,\"restarted\":1,\"stopped\":0"]
    }
  }
}

# The same without a signal.
test "by_watching" {
  tags = ["ws", "reload"]
  locals {
    port = free_port()
  }
  run {
    flow = "flow.hcl"
    vars = { port = local.port }
    args = ["--watch"]
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}/edge"
    send {
      json = { n = 1 }
    }
    ping {}
    signal "ready" {}
    await "replaced" {}
    send {
      json = { n = 2 }
    }
    expect {
      json = { n = 2 }
    }
    close {}
    signal "done" {}
  }
  peer "bob" {
    connect = "ws://127.0.0.1:${local.port}/side"
    ping {}
    signal "ready" {}
    expect_close {
      code = 1012
    }
    signal "replaced" {}
    signal "done" {}
  }
  interrupt "change" {
    await   = "ready"
    count   = 2
    replace = { "flow.hcl" = "next.hcl" }
    signal  = "none"
  }
  interrupt "end" {
    await = "done"
    count = 2
    ready {
      log = "\"msg\":\"reloaded\""
    }
  }
  expect {
    exit_code = 0
    stderr {
      contains = ["the files have changed"]
    }
  }
}
