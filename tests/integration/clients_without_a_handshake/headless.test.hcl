# "hello" as a masked text frame, and then binary, in two writes.
test "are_adopted" {
  tags = ["ws", "headless"]
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
  peer "fluent" {
    connect = "ws://127.0.0.1:${local.port}"
    dial {
      tcp = true
    }
    raw {
      hex = "818501020304 69676f686e 8285010203"
    }
    expect_raw {
      matches = "hello"
    }
    raw {
      hex = "04 69676f686e"
    }
    expect_raw {
      matches = "hello.*hello"
    }
    cut {
      how = "end"
    }
  }
  expect {
    process "server" {
      exit_code = 0
      stderr {
        contains = ["a connection without a handshake is taken"]
      }
    }
    file "got.txt" {
      text = "hello\nhello\n"
    }
  }
}

test "are_warned_of" {
  tags = ["ws", "headless"]
  locals {
    port = free_port()
  }
  before "server" {
    flow = "flow.hcl"
    vars = { url = "127.0.0.1:${local.port}", adopt = false }
    ready {
      port = local.port
    }
  }
  peer "fluent" {
    connect = "ws://127.0.0.1:${local.port}"
    count   = 3
    dial {
      tcp = true
    }
    raw {
      hex = "818501020304 69676f686e"
    }
    expect_close {
      code = 1006
    }
  }
  expect {
    process "server" {
      exit_code = 0
      stderr {
        matches = ["a connection begins with a WebSocket frame instead of a handshake.*adopt_headless = true.*so_far.*1"]
        absent  = ["so_far\":[23]"]
      }
    }
    file "got.txt" {
      text = ""
    }
  }
}

test "are_adopted_where_somebody_has_shown_a_token" {
  tags = ["ws", "headless", "auth"]
  locals {
    port = free_port()
  }
  before "server" {
    flow = "auth.hcl"
    vars = { url = "127.0.0.1:${local.port}" }
    ready {
      port = local.port
    }
  }
  peer "stranger" {
    connect = "ws://127.0.0.1:${local.port}"
    dial {
      tcp = true
    }
    raw {
      hex = "818501020304 69676f686e"
    }
    expect_close {
      code = 1006
    }
    signal "turned away" {}
  }
  peer "guest" {
    connect = "ws://127.0.0.1:${local.port}"
    headers = { Authorization = "Bearer secret" }
    await "turned away" {}
    ping {}
    close {}
    signal "known" {}
  }
  peer "headless" {
    connect = "ws://127.0.0.1:${local.port}"
    await "known" {}
    dial {
      tcp = true
    }
    raw {
      hex = "818501020304 69676f686e"
    }
    expect_raw {
      matches = "hello"
    }
    cut {
      how = "end"
    }
  }
  expect {
    process "server" {
      exit_code = 0
      stderr {
        contains = ["instead of a handshake", "a connection without a handshake is taken"]
      }
    }
  }
}
