# Whoever is there, a broadcast comes in the form that was agreed on: compressed when it
# is long enough and both sides want it.
test "a_server_without" {
  tags = ["ws", "compression"]
  locals {
    port = free_port()
    long = join(" ", [for i in range(200) : "word"])
  }
  run {
    flow = "flow.hcl"
    vars = { url = "127.0.0.1:${local.port}", compression = "off" }
  }

  peer "plain" {
    connect     = "ws://127.0.0.1:${local.port}"
    compression = "off"
    dial {
      where = !has(event.headers["sec-websocket-extensions"])
    }
    signal "joined" {}
    expect {
      count      = 20
      json       = { n = n, text = local.long }
      compressed = "no"
    }
    signal "heard" {}
    expect {
      json       = "short"
      compressed = "no"
    }
    expect_close {
      code = 1001
    }
  }

  peer "one_by_one" {
    connect     = "ws://127.0.0.1:${local.port}"
    compression = "no_context_takeover"
    dial {
      where = !has(event.headers["sec-websocket-extensions"])
    }
    signal "joined" {}
    expect {
      count      = 20
      json       = { n = n, text = local.long }
      compressed = "no"
    }
    signal "heard" {}
    expect {
      json       = "short"
      compressed = "no"
    }
    expect_close {
      code = 1001
    }
  }

  peer "together" {
    connect     = "ws://127.0.0.1:${local.port}"
    compression = "context_takeover"
    dial {
      where = !has(event.headers["sec-websocket-extensions"])
    }
    signal "joined" {}
    expect {
      count      = 20
      json       = { n = n, text = local.long }
      compressed = "no"
    }
    signal "heard" {}
    expect {
      json       = "short"
      compressed = "no"
    }
    expect_close {
      code = 1001
    }
  }

  peer "speaker" {
    connect     = "ws://127.0.0.1:${local.port}"
    compression = "context_takeover"
    await "joined" {
      count = 3
    }
    send {
      count     = 20
      json      = { n = n, text = local.long }
      fragments = 2
    }
    await "heard" {
      count = 3
    }
    send {
      json = "short"
    }
    expect {
      json = "short"
      skip = true
    }
    signal "done" {}
    expect_close {
      code = 1001
    }
  }
  interrupt "end" {
    await = "done"
  }
  expect {
    exit_code = 0
  }
}

test "a_server_without_context" {
  tags = ["ws", "compression"]
  locals {
    port = free_port()
    long = join(" ", [for i in range(200) : "word"])
  }
  run {
    flow = "flow.hcl"
    vars = { url = "127.0.0.1:${local.port}", compression = "no_context_takeover" }
  }

  peer "plain" {
    connect     = "ws://127.0.0.1:${local.port}"
    compression = "off"
    dial {
      where = !has(event.headers["sec-websocket-extensions"])
    }
    signal "joined" {}
    expect {
      count      = 20
      json       = { n = n, text = local.long }
      compressed = "no"
    }
    signal "heard" {}
    expect {
      json       = "short"
      compressed = "no"
    }
    expect_close {
      code = 1001
    }
  }

  peer "one_by_one" {
    connect     = "ws://127.0.0.1:${local.port}"
    compression = "no_context_takeover"
    dial {
      where = contains(event.headers["sec-websocket-extensions"], "server_no_context_takeover")
    }
    signal "joined" {}
    expect {
      count      = 20
      json       = { n = n, text = local.long }
      compressed = "yes"
    }
    signal "heard" {}
    expect {
      json       = "short"
      compressed = "no"
    }
    expect_close {
      code = 1001
    }
  }

  peer "together" {
    connect     = "ws://127.0.0.1:${local.port}"
    compression = "context_takeover"
    dial {
      where = contains(event.headers["sec-websocket-extensions"], "server_no_context_takeover")
    }
    signal "joined" {}
    expect {
      count      = 20
      json       = { n = n, text = local.long }
      compressed = "yes"
    }
    signal "heard" {}
    expect {
      json       = "short"
      compressed = "no"
    }
    expect_close {
      code = 1001
    }
  }

  peer "speaker" {
    connect     = "ws://127.0.0.1:${local.port}"
    compression = "context_takeover"
    await "joined" {
      count = 3
    }
    send {
      count     = 20
      json      = { n = n, text = local.long }
      fragments = 2
    }
    await "heard" {
      count = 3
    }
    send {
      json = "short"
    }
    expect {
      json = "short"
      skip = true
    }
    signal "done" {}
    expect_close {
      code = 1001
    }
  }
  interrupt "end" {
    await = "done"
  }
  expect {
    exit_code = 0
  }
}

test "a_server_with_context" {
  tags = ["ws", "compression"]
  locals {
    port = free_port()
    long = join(" ", [for i in range(200) : "word"])
  }
  run {
    flow = "flow.hcl"
    vars = { url = "127.0.0.1:${local.port}", compression = "context_takeover" }
  }

  peer "plain" {
    connect     = "ws://127.0.0.1:${local.port}"
    compression = "off"
    dial {
      where = !has(event.headers["sec-websocket-extensions"])
    }
    signal "joined" {}
    expect {
      count      = 20
      json       = { n = n, text = local.long }
      compressed = "no"
    }
    signal "heard" {}
    expect {
      json       = "short"
      compressed = "no"
    }
    expect_close {
      code = 1001
    }
  }

  peer "one_by_one" {
    connect     = "ws://127.0.0.1:${local.port}"
    compression = "no_context_takeover"
    dial {
      where = contains(event.headers["sec-websocket-extensions"], "server_no_context_takeover")
    }
    signal "joined" {}
    expect {
      count      = 20
      json       = { n = n, text = local.long }
      compressed = "yes"
    }
    signal "heard" {}
    expect {
      json       = "short"
      compressed = "no"
    }
    expect_close {
      code = 1001
    }
  }

  peer "together" {
    connect     = "ws://127.0.0.1:${local.port}"
    compression = "context_takeover"
    dial {
      where = event.headers["sec-websocket-extensions"] == "permessage-deflate"
    }
    signal "joined" {}
    expect {
      count      = 20
      json       = { n = n, text = local.long }
      compressed = "yes"
    }
    signal "heard" {}
    expect {
      json       = "short"
      compressed = "no"
    }
    expect_close {
      code = 1001
    }
  }

  peer "speaker" {
    connect     = "ws://127.0.0.1:${local.port}"
    compression = "context_takeover"
    await "joined" {
      count = 3
    }
    send {
      count     = 20
      json      = { n = n, text = local.long }
      fragments = 2
    }
    await "heard" {
      count = 3
    }
    send {
      json = "short"
    }
    expect {
      json = "short"
      skip = true
    }
    signal "done" {}
    expect_close {
      code = 1001
    }
  }
  interrupt "end" {
    await = "done"
  }
  expect {
    exit_code = 0
  }
}

# A hundred bytes and some that would be two MiB.
test "a_bomb_by_itself" {
  tags = ["ws", "compression", "hostile"]
  locals {
    port = free_port()
    zero = join("", [for i in range(2048) : join("", [for k in range(16) : "0000000000000000000000000000000000000000000000000000000000000000"])])
  }
  run {
    flow = "flow.hcl"
    vars = { url = "127.0.0.1:${local.port}", compression = "context_takeover" }
  }
  peer "bomber" {
    connect     = "ws://127.0.0.1:${local.port}"
    compression = "no_context_takeover"
    send {
      json = "before"
    }
    expect {
      json = "before"
    }
    send {
      text = local.zero
    }
    expect_close {
      code = 1009
    }
    signal "closed" {}
  }
  peer "neighbour" {
    connect = "ws://127.0.0.1:${local.port}"
    await "closed" {}
    send {
      json = "still there?"
    }
    expect {
      json = "still there?"
      skip = true
    }
    signal "done" {}
    expect_close {
      code = 1001
    }
  }
  interrupt "end" {
    await = "done"
  }
  expect {
    exit_code = 0
    stderr {
      contains = ["a message is longer than max_message"]
    }
  }
}

# A hundred bytes and some that would be two MiB.
test "a_bomb_with_context" {
  tags = ["ws", "compression", "hostile"]
  locals {
    port = free_port()
    zero = join("", [for i in range(2048) : join("", [for k in range(16) : "0000000000000000000000000000000000000000000000000000000000000000"])])
  }
  run {
    flow = "flow.hcl"
    vars = { url = "127.0.0.1:${local.port}", compression = "context_takeover" }
  }
  peer "bomber" {
    connect     = "ws://127.0.0.1:${local.port}"
    compression = "context_takeover"
    send {
      json = "before"
    }
    expect {
      json = "before"
    }
    send {
      text = local.zero
    }
    expect_close {
      code = 1009
    }
    signal "closed" {}
  }
  peer "neighbour" {
    connect = "ws://127.0.0.1:${local.port}"
    await "closed" {}
    send {
      json = "still there?"
    }
    expect {
      json = "still there?"
      skip = true
    }
    signal "done" {}
    expect_close {
      code = 1001
    }
  }
  interrupt "end" {
    await = "done"
  }
  expect {
    exit_code = 0
    stderr {
      contains = ["a message is longer than max_message"]
    }
  }
}

test "nonsense" {
  tags = ["ws", "compression", "hostile"]
  locals {
    port = free_port()
  }
  before "server" {
    flow = "flow.hcl"
    vars = { url = "127.0.0.1:${local.port}", compression = "context_takeover" }
    ready {
      port = local.port
    }
  }
  peer "no_deflate" {
    connect     = "ws://127.0.0.1:${local.port}"
    compression = "context_takeover"
    frame {
      opcode = 1
      rsv    = 4
      hex    = "ff ff ff ff"
    }
    expect_close {}
  }
  peer "not_agreed" {
    connect = "ws://127.0.0.1:${local.port}"
    frame {
      opcode = 1
      rsv    = 4
      hex    = "ca 49 cd c9 c9 07 00"
    }
    expect_close {
      code = 1002
    }
  }
  peer "reserved" {
    connect     = "ws://127.0.0.1:${local.port}"
    compression = "context_takeover"
    frame {
      opcode = 1
      rsv    = 2
      text   = "1"
    }
    expect_close {
      code = 1002
    }
  }
  expect {
    process "server" {
      exit_code = 0
      stderr {
        absent = ["panic"]
      }
    }
  }
}

test "a_client_without_context_of_a_server_without" {
  tags = ["ws", "compression"]
  locals {
    port = free_port()
    up   = free_port()
    long = join(" ", [for i in range(200) : "word"])
  }
  before "flow" {
    flow = "client.hcl"
    vars = { edge = "127.0.0.1:${local.port}", up = "ws://127.0.0.1:${local.up}", compression = "no_context_takeover" }
    ready {
      port = local.port
    }
  }
  peer "server" {
    listen      = "127.0.0.1:${local.up}"
    compression = "off"
    repeat {
      times = 10
      expect {
        json       = { n = n, text = local.long }
        compressed = "no"
      }
      send {
        json = { answer = n, text = local.long }
      }
    }
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}"
    repeat {
      times = 10
      send {
        json = { n = n, text = local.long }
      }
      expect {
        json = { answer = n, text = local.long }
      }
    }
    close {}
  }
  expect {
    process "flow" {
      exit_code = 0
    }
  }
}

test "a_client_without_context_of_a_server_without_context" {
  tags = ["ws", "compression"]
  locals {
    port = free_port()
    up   = free_port()
    long = join(" ", [for i in range(200) : "word"])
  }
  before "flow" {
    flow = "client.hcl"
    vars = { edge = "127.0.0.1:${local.port}", up = "ws://127.0.0.1:${local.up}", compression = "no_context_takeover" }
    ready {
      port = local.port
    }
  }
  peer "server" {
    listen      = "127.0.0.1:${local.up}"
    compression = "no_context_takeover"
    repeat {
      times = 10
      expect {
        json       = { n = n, text = local.long }
        compressed = "yes"
      }
      send {
        json = { answer = n, text = local.long }
      }
    }
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}"
    repeat {
      times = 10
      send {
        json = { n = n, text = local.long }
      }
      expect {
        json = { answer = n, text = local.long }
      }
    }
    close {}
  }
  expect {
    process "flow" {
      exit_code = 0
    }
  }
}

test "a_client_without_context_of_a_server_with_context" {
  tags = ["ws", "compression"]
  locals {
    port = free_port()
    up   = free_port()
    long = join(" ", [for i in range(200) : "word"])
  }
  before "flow" {
    flow = "client.hcl"
    vars = { edge = "127.0.0.1:${local.port}", up = "ws://127.0.0.1:${local.up}", compression = "no_context_takeover" }
    ready {
      port = local.port
    }
  }
  peer "server" {
    listen      = "127.0.0.1:${local.up}"
    compression = "context_takeover"
    repeat {
      times = 10
      expect {
        json       = { n = n, text = local.long }
        compressed = "yes"
      }
      send {
        json = { answer = n, text = local.long }
      }
    }
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}"
    repeat {
      times = 10
      send {
        json = { n = n, text = local.long }
      }
      expect {
        json = { answer = n, text = local.long }
      }
    }
    close {}
  }
  expect {
    process "flow" {
      exit_code = 0
    }
  }
}

test "a_client_with_context_of_a_server_without" {
  tags = ["ws", "compression"]
  locals {
    port = free_port()
    up   = free_port()
    long = join(" ", [for i in range(200) : "word"])
  }
  before "flow" {
    flow = "client.hcl"
    vars = { edge = "127.0.0.1:${local.port}", up = "ws://127.0.0.1:${local.up}", compression = "context_takeover" }
    ready {
      port = local.port
    }
  }
  peer "server" {
    listen      = "127.0.0.1:${local.up}"
    compression = "off"
    repeat {
      times = 10
      expect {
        json       = { n = n, text = local.long }
        compressed = "no"
      }
      send {
        json = { answer = n, text = local.long }
      }
    }
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}"
    repeat {
      times = 10
      send {
        json = { n = n, text = local.long }
      }
      expect {
        json = { answer = n, text = local.long }
      }
    }
    close {}
  }
  expect {
    process "flow" {
      exit_code = 0
    }
  }
}

test "a_client_with_context_of_a_server_without_context" {
  tags = ["ws", "compression"]
  locals {
    port = free_port()
    up   = free_port()
    long = join(" ", [for i in range(200) : "word"])
  }
  before "flow" {
    flow = "client.hcl"
    vars = { edge = "127.0.0.1:${local.port}", up = "ws://127.0.0.1:${local.up}", compression = "context_takeover" }
    ready {
      port = local.port
    }
  }
  peer "server" {
    listen      = "127.0.0.1:${local.up}"
    compression = "no_context_takeover"
    repeat {
      times = 10
      expect {
        json       = { n = n, text = local.long }
        compressed = "yes"
      }
      send {
        json = { answer = n, text = local.long }
      }
    }
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}"
    repeat {
      times = 10
      send {
        json = { n = n, text = local.long }
      }
      expect {
        json = { answer = n, text = local.long }
      }
    }
    close {}
  }
  expect {
    process "flow" {
      exit_code = 0
    }
  }
}

test "a_client_with_context_of_a_server_with_context" {
  tags = ["ws", "compression"]
  locals {
    port = free_port()
    up   = free_port()
    long = join(" ", [for i in range(200) : "word"])
  }
  before "flow" {
    flow = "client.hcl"
    vars = { edge = "127.0.0.1:${local.port}", up = "ws://127.0.0.1:${local.up}", compression = "context_takeover" }
    ready {
      port = local.port
    }
  }
  peer "server" {
    listen      = "127.0.0.1:${local.up}"
    compression = "context_takeover"
    repeat {
      times = 10
      expect {
        json       = { n = n, text = local.long }
        compressed = "yes"
      }
      send {
        json = { answer = n, text = local.long }
      }
    }
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}"
    repeat {
      times = 10
      send {
        json = { n = n, text = local.long }
      }
      expect {
        json = { answer = n, text = local.long }
      }
    }
    close {}
  }
  expect {
    process "flow" {
      exit_code = 0
    }
  }
}
