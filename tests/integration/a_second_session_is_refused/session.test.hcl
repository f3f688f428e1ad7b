test "by_409" {
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
  peer "two" {
    connect = "ws://127.0.0.1:${local.port}/?key=k"
    count   = 2
    ping {}
    signal "there" {}
    await "refused" {}
    send {
      json = index
    }
    expect {
      json = index
    }
    close {}
    signal "left" {}
  }
  peer "third" {
    connect = "ws://127.0.0.1:${local.port}/?key=k"
    await "there" {
      count = 2
    }
    dial {
      status = 409
      where  = jsondecode(event.body) == { error = "duplicate_session", message = "another connection has the same session key" } && event.headers["content-type"] == "application/json"
    }
    signal "refused" {}
    await "left" {
      count = 2
    }
    dial {}
    send {
      json = 3
    }
    expect {
      json = 3
    }
    close {}
  }
  # Nobody's: as many as there are.
  peer "nobody" {
    connect = "ws://127.0.0.1:${local.port}/"
    count   = 5
    send {
      json = 1
    }
    expect {
      json = 1
    }
    close {}
  }
  expect {
    process "server" {
      exit_code = 0
      stderr {
        matches = ["handshake refused: another connection has the same session key.*409.*duplicate_session"]
        absent  = ["key=k"]
      }
    }
  }
}

test "by_a_last_message" {
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
  peer "first" {
    connect = "ws://127.0.0.1:${local.port}/told?key=k"
    ping {}
    signal "there" {}
    await "refused" {}
    close {}
  }
  peer "second" {
    connect = "ws://127.0.0.1:${local.port}/told?key=k"
    await "there" {}
    expect {
      json = { error = "another connection has the same session key" }
    }
    expect_close {
      code = 1006
    }
    signal "refused" {}
  }
}

# A session ends before its client can see that: who has been told goodbye, or was cut
# off, may come back at once.
test "a_place_is_free_at_once" {
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
  peer "closes" {
    connect = "ws://127.0.0.1:${local.port}/told?key=a"
    repeat {
      times = 50
      dial {}
      send {
        json = n
      }
      expect {
        json = n
      }
      close {}
    }
  }
  peer "is_closed" {
    connect = "ws://127.0.0.1:${local.port}/told?key=b"
    repeat {
      times = 25
      dial {}
      send {
        json = { close = { abort = false } }
      }
      expect {
        json = { close = { abort = false } }
      }
      expect_close {
        code = 1000
      }
    }
  }
  peer "is_cut_off" {
    connect = "ws://127.0.0.1:${local.port}/told?key=d"
    repeat {
      times = 25
      dial {}
      send {
        json = { close = { abort = true } }
      }
      expect {
        json = { close = { abort = true } }
      }
      expect_close {
        code = 1006
      }
    }
  }
  peer "breaks_the_protocol" {
    connect = "ws://127.0.0.1:${local.port}/told?key=c"
    repeat {
      times = 20
      dial {}
      frame {
        rsv = 7
      }
      expect_close {
        code = 1002
      }
    }
  }
}
