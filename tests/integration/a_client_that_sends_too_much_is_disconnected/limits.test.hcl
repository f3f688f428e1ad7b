# Two seconds' worth may come at once: 200 frames, or 128 KiB.
test "messages" {
  tags = ["ws", "limits"]
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
  peer "hostile" {
    connect = "ws://127.0.0.1:${local.port}"
    await "joined" {}
    raw {
      hex = join("", [for i in range(5000) : "81810000000061"])
    }
    expect_close {
      code   = 1008
      reason = "^more is sent than limits.messages_per_second allows$"
      skip   = true
    }
    signal "left" {}
  }
  peer "other" {
    connect = "ws://127.0.0.1:${local.port}"
    ping {}
    signal "joined" {}
    await "left" {}
    send {
      text = "still here"
    }
    expect {
      text = "still here"
    }
    close {}
  }
  expect {
    process "server" {
      exit_code = 0
      stderr {
        matches = ["a client sends more than a limit allows, the connection is closed with 1008.*messages_per_second.*so_far.*1"]
      }
    }
  }
}

test "bytes" {
  tags = ["ws", "limits"]
  locals {
    port = free_port()
    page = join("", [for i in range(1024) : "616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161"])
  }
  before "server" {
    flow = "flow.hcl"
    vars = { url = "127.0.0.1:${local.port}" }
    ready {
      port = local.port
    }
  }
  peer "hostile" {
    connect = "ws://127.0.0.1:${local.port}"
    await "joined" {}
    raw {
      hex = join("", [for i in range(16) : "82fefc0000000000${local.page}"])
    }
    expect_close {
      code   = 1008
      reason = "^more is sent than limits.bytes_per_second allows$"
      skip   = true
    }
    signal "left" {}
  }
  peer "other" {
    connect = "ws://127.0.0.1:${local.port}"
    ping {}
    signal "joined" {}
    await "left" {}
    send {
      text = "still here"
    }
    expect {
      text = "still here"
    }
    close {}
  }
  expect {
    process "server" {
      exit_code = 0
      stderr {
        matches = ["a client sends more than a limit allows, the connection is closed with 1008.*bytes_per_second.*so_far.*1"]
      }
    }
  }
}

test "fragments" {
  tags = ["ws", "limits"]
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
  peer "hostile" {
    connect = "ws://127.0.0.1:${local.port}"
    await "joined" {}
    raw {
      hex = "018000000000${join("", [for i in range(5000) : "008000000000"])}"
    }
    expect_close {
      code   = 1008
      reason = "^more is sent than limits.messages_per_second allows$"
      skip   = true
    }
    signal "left" {}
  }
  peer "other" {
    connect = "ws://127.0.0.1:${local.port}"
    ping {}
    signal "joined" {}
    await "left" {}
    send {
      text = "still here"
    }
    expect {
      text = "still here"
    }
    close {}
  }
  expect {
    process "server" {
      exit_code = 0
      stderr {
        matches = ["a client sends more than a limit allows, the connection is closed with 1008.*messages_per_second.*so_far.*1"]
      }
    }
  }
}

test "pings" {
  tags = ["ws", "limits"]
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
  peer "hostile" {
    connect = "ws://127.0.0.1:${local.port}"
    await "joined" {}
    raw {
      hex = join("", [for i in range(5000) : "898000000000"])
    }
    expect_close {
      code   = 1008
      reason = "^more is sent than limits.messages_per_second allows$"
      skip   = true
    }
    signal "left" {}
  }
  peer "other" {
    connect = "ws://127.0.0.1:${local.port}"
    ping {}
    signal "joined" {}
    await "left" {}
    send {
      text = "still here"
    }
    expect {
      text = "still here"
    }
    close {}
  }
  expect {
    process "server" {
      exit_code = 0
      stderr {
        matches = ["a client sends more than a limit allows, the connection is closed with 1008.*messages_per_second.*so_far.*1"]
      }
    }
  }
}
