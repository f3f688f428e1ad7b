# A line may come in pieces, several in one piece, and the last one without its end; what
# is no message costs only itself.
test "are_answered" {
  tags = ["tcp"]
  locals {
    port = free_port()
  }
  before "server" {
    flow = "flow.hcl"
    vars = { port = local.port }
    ready {
      port = local.port
    }
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}"
    dial {
      tcp = true
    }
    raw {
      text = "{\"name\":"
    }
    raw {
      text = "\"a\"}\n{\"name\":\"b\"}\nno message\n{\"name\":\"c\"}\n"
    }
    expect_raw {
      matches = "^{\"hello\":\"a\",\"port\":\\d+}\n{\"hello\":\"b\",\"port\":\\d+}\n{\"hello\":\"c\",\"port\":\\d+}\n$"
    }
    raw {
      text = "{\"name\":\"d\"}\n"
    }
    expect_raw {
      matches = "\n{\"hello\":\"d\",\"port\":\\d+}\n$"
    }
    cut {}
  }
  expect {
    process "server" {
      exit_code = 0
    }
  }
}

test "a_flow_takes_leave" {
  tags = ["tcp"]
  locals {
    port = free_port()
  }
  before "server" {
    flow = "flow.hcl"
    vars = { port = local.port }
    ready {
      port = local.port
    }
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}"
    dial {
      tcp = true
    }
    raw {
      text = "{\"name\":\"bye\"}\n"
    }
    expect_raw {
      matches = "^{\"hello\":\"bye\",\"port\":\\d+}\n$"
    }
    expect_close {}
  }
}

# A connector that is another one from now on says goodbye to those whom it has, and the
# address is its successor's at once: nobody who connects is turned away.
test "a_reload_hands_the_address_over" {
  tags = ["tcp", "reload"]
  locals {
    port = free_port()
  }
  run {
    flow = "flow.hcl"
    vars = { port = local.port }
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}"
    dial {
      tcp = true
    }
    raw {
      text = "{\"name\":\"a\"}\n"
    }
    expect_raw {
      matches = "^{\"hello\":\"a\",\"port\":\\d+}\n$"
    }
    signal "ready" {}
    expect_close {}
    dial {
      tcp = true
    }
    raw {
      text = "{\"name\":\"b\"}\n"
    }
    expect_raw {
      matches = "{\"hi\":\"b\",\"port\":\\d+}\n$"
    }
    signal "done" {}
    expect_close {}
  }
  interrupt "change" {
    await   = "ready"
    replace = { "flow.hcl" = "next.hcl" }
    signal  = "SIGHUP"
  }
  interrupt "end" {
    await = "done"
    ready {
      log = "\"msg\":\"reloaded\""
    }
  }
  expect {
    exit_code = 0
  }
}

# Who has sent all and says so gets the answers that another server has, too.
test "the_last_answer_is_waited_for" {
  tags = ["tcp", "ws"]
  locals {
    port = free_port()
    up   = free_port()
  }
  before "proxy" {
    flow = "proxy.hcl"
    vars = { port = local.port, up = local.up }
    ready {
      port = local.port
    }
  }
  peer "server" {
    listen = "127.0.0.1:${local.up}"
    expect {
      json = { n = 1 }
    }
    await "half" {}
    send {
      json = { answer = 1 }
    }
    expect_close {}
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}"
    dial {
      tcp = true
    }
    raw {
      text = "{\"n\":1}"
    }
    cut {
      how = "half"
    }
    signal "half" {}
    expect_raw {
      matches = "^{\"answer\":1}\n$"
    }
    expect_close {}
  }
}
