test "who_answers_pings_stays" {
  tags = ["ws", "ping"]
  locals {
    port = free_port()
  }
  before "server" {
    flow = "pinged.hcl"
    args = ["--log-level", "debug"]
    vars = { url = "127.0.0.1:${local.port}" }
    ready {
      port = local.port
    }
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}"
    expect_ping {}
    expect_ping {}
    expect_ping {}
    expect_ping {}
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
        matches = ["connection closed.*rtt.*code.*1000"]
        absent  = ["closed by this side"]
      }
    }
  }
}

test "who_answers_no_ping_is_dead" {
  tags = ["ws", "ping"]
  locals {
    port = free_port()
  }
  before "server" {
    flow = "pinged.hcl"
    vars = { url = "127.0.0.1:${local.port}" }
    ready {
      port = local.port
    }
  }
  peer "mute" {
    connect      = "ws://127.0.0.1:${local.port}"
    within       = "1m"
    answer_pings = false
    expect_ping {}
    expect_close {
      code   = 1011
      reason = "^nothing came within 5s of a ping$"
    }
  }
  expect {
    process "server" {
      exit_code = 0
      stderr {
        matches = ["a connection is closed by this side.*1011.*nothing came within 5s of a ping"]
      }
    }
  }
}

# Some peers never read, so they never answer a ping: what they send shows that they are there.
test "who_sends_is_alive" {
  tags = ["ws", "ping"]
  locals {
    port = free_port()
  }
  before "server" {
    flow = "pinged.hcl"
    vars = { url = "127.0.0.1:${local.port}" }
    ready {
      port = local.port
    }
  }
  peer "busy" {
    connect      = "ws://127.0.0.1:${local.port}"
    answer_pings = false
    repeat {
      times = 110
      send {
        text = "${n}"
      }
      expect {
        text = "${n}"
      }
      pause {
        for = "50ms"
      }
    }
    close {}
  }
  expect {
    process "server" {
      exit_code = 0
      stderr {
        absent = ["closed by this side"]
      }
    }
  }
}

test "who_is_idle_is_parted_from" {
  tags = ["ws", "idle"]
  locals {
    port = free_port()
  }
  before "server" {
    flow = "idle.hcl"
    vars = { url = "127.0.0.1:${local.port}" }
    ready {
      port = local.port
    }
  }
  peer "quiet" {
    connect = "ws://127.0.0.1:${local.port}"
    within  = "1m"
    repeat {
      times = 55
      send {
        text = "${n}"
      }
      expect {
        text = "${n}"
      }
      pause {
        for = "100ms"
      }
    }
    expect_close {
      code   = 1001
      reason = "^nothing was sent or received for 5s$"
    }
  }
  expect {
    process "server" {
      exit_code = 0
      stderr {
        matches = ["a connection is closed by this side.*1001.*nothing was sent or received for 5s"]
      }
    }
  }
}

test "a_client_leaves_a_silent_server_and_comes_back" {
  tags = ["ws", "idle", "reconnect"]
  locals {
    port = free_port()
  }
  run {
    flow = "client.hcl"
    vars = { url = "ws://127.0.0.1:${local.port}" }
  }
  peer "server" {
    listen = "127.0.0.1:${local.port}"
    within = "1m"
    accept {}
    send {
      json = 1
    }
    expect_close {
      code = 1001
    }
    accept {}
    send {
      json = 2
    }
    ping {}
    signal "sent" {}
    expect_close {}
  }
  interrupt "end" {
    await = "sent"
  }
  expect {
    exit_code = 0
    file "heard.ndjson" {
      events = [1, 2]
    }
    stderr {
      matches = ["connection to ws://.*: nothing was sent or received for 5s"]
    }
  }
}

test "a_client_leaves_a_dead_server_and_comes_back" {
  tags = ["ws", "ping", "reconnect"]
  locals {
    port = free_port()
  }
  run {
    flow = "client_pings.hcl"
    vars = { url = "ws://127.0.0.1:${local.port}" }
  }
  peer "server" {
    listen       = "127.0.0.1:${local.port}"
    within       = "1m"
    answer_pings = false
    accept {}
    expect_ping {}
    expect_close {
      code = 1011
    }
    accept {}
    ping {}
    signal "back" {}
    expect_close {}
  }
  interrupt "end" {
    await = "back"
  }
  expect {
    exit_code = 0
    stderr {
      matches = ["connection to ws://.*: nothing came within 5s of a ping"]
    }
  }
}
