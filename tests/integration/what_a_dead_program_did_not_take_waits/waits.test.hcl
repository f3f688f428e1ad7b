test "for_the_next_one" {
  tags    = ["ws", "exec"]
  timeout = "1m"
  locals {
    port = free_port()
  }
  run {
    flow = "flow.hcl"
    vars = { url = "127.0.0.1:${local.port}" }
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}"
    repeat {
      times = 30
      send {
        text = "line ${n}"
      }
      expect {
        text   = "line ${n}"
        within = "30s"
      }
    }
    close {}
    signal "done" {}
  }
  interrupt "end" {
    await = "done"
  }
  expect {
    exit_code = 0
    stderr {
      contains = ["the program has ended with exit status 3"]
    }
  }
}

# It has ended as it may, and is not started again.
test "and_is_refused_when_there_is_none" {
  tags    = ["ws", "exec"]
  timeout = "1m"
  locals {
    port = free_port()
  }
  run {
    flow = "flow.hcl"
    vars = { url = "127.0.0.1:${local.port}", restart = "never" }
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}"
    repeat {
      times = 3
      send {
        text = "line ${n}"
      }
      expect {
        text   = "line ${n}"
        within = "30s"
      }
    }
    repeat {
      times = 3
      send {
        text = "for nobody"
      }
      expect {
        text   = "refused: the connector has ended"
        within = "30s"
      }
    }
    close {}
    signal "done" {}
  }
  interrupt "end" {
    await = "done"
  }
  expect {
    exit_code = 0
  }
}

# A program that fails before it has read is tried as often as reconnect says.
test "and_is_refused_when_the_connector_gives_up" {
  tags    = ["ws", "exec", "reconnect"]
  timeout = "1m"
  locals {
    port = free_port()
  }
  run {
    flow = "gives_up.hcl"
    vars = { url = "127.0.0.1:${local.port}" }
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}"
    send {
      text = "one"
    }
    expect {
      text   = "one"
      within = "30s"
    }
    send {
      text = "two"
    }
    expect {
      text   = "refused: the connector has ended"
      within = "30s"
    }
    close {}
    signal "done" {}
  }
  interrupt "end" {
    await = "done"
  }
  expect {
    exit_code = 0
    stderr {
      matches = ["\"given up\".*\"connector\":\"program\".*\"failed_attempts\":2"]
    }
  }
}
