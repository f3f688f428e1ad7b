# After the signal, clients are served, and let in, for the delay; then late ones are
# refused, and those that are there are sent away one by one. Ten of them stay until
# they are sent away, so that the first one's goodbye tells that the delay is over and
# that the spread is not.
test "delay_and_spread" {
  tags = ["ws", "drain"]
  locals {
    port = free_port()
  }
  run {
    flow = "flow.hcl"
    vars = { url = "127.0.0.1:${local.port}" }
    args = ["--log-level", "debug"]
  }
  peer "guest" {
    connect = "ws://127.0.0.1:${local.port}"
    within  = "1m"
    count   = 10
    ping {}
    signal "joined" {}
    expect {
      json = { type = "bye" }
    }
    signal "leaving" {}
    expect_close {
      code   = 1012
      reason = "^moving house$"
    }
  }
  interrupt "drain" {
    await = "joined"
    count = 10
  }
  interrupt "draining" {
    await  = "drain"
    signal = "none"
    ready {
      log = "\"msg\":\"draining\""
    }
  }
  peer "late" {
    connect = "ws://127.0.0.1:${local.port}"
    within  = "1m"
    await "draining" {}
    repeat {
      times = 3
      dial {
        status = 101
      }
      send {
        json = { n = n }
      }
      expect {
        json = { n = n }
      }
      close {}
    }
    await "leaving" {}
    dial {
      status = 503
      where  = event.headers["retry-after"] == "1"
    }
  }
  expect {
    exit_code = 0
    stderr {
      matches = ["(?s)SIGTERM: draining for up to 40s.*\"code\":1000.*\"code\":1012.*\"drained\""]
    }
  }
}

# Two messages wait for a server that is not there.
test "hard_stop" {
  tags = ["ws", "drain"]
  locals {
    port    = free_port()
    nowhere = free_port()
  }
  run {
    flow = "stuck.hcl"
    vars = { url = "127.0.0.1:${local.port}", nowhere = "127.0.0.1:${local.nowhere}" }
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}"
    send {
      json  = { n = n }
      count = 2
    }
    ping {}
    signal "sent" {}
    expect_close {
      within = "1m"
    }
  }
  interrupt "drain" {
    await = "sent"
  }
  expect {
    exit_code = 1
    stderr {
      matches = ["the drain was cut short.*\"events_lost\": ?2"]
    }
  }
}

# The second signal does not wait for the delay.
test "a_second_signal_ends_at_once" {
  tags = ["ws", "drain"]
  locals {
    port = free_port()
  }
  run {
    flow = "flow.hcl"
    vars = { url = "127.0.0.1:${local.port}" }
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}"
    ping {}
    signal "joined" {}
    expect_close {
      code = 1006
    }
  }
  interrupt "drain" {
    await = "joined"
  }
  interrupt "now" {
    await  = "drain"
    signal = "SIGINT"
    ready {
      log = "SIGTERM: draining"
    }
  }
  expect {
    exit_code = 0
    stderr {
      matches = ["SIGTERM: draining", "SIGINT: ending at once"]
      absent  = ["panic"]
    }
  }
}
