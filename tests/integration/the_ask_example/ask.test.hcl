test "everyone_gets_their_own_answers" {
  tags = ["ws", "exec"]
  locals {
    port = free_port()
  }
  run {
    flow = "ask.hcl"
    vars = { url = "127.0.0.1:${local.port}" }
  }
  peer "crowd" {
    connect = "ws://127.0.0.1:${local.port}"
    count   = 10
    dial {}
    signal "there" {}
    await "there" {
      count = 10
    }
    send {
      text = "I am ${index}"
    }
    expect {
      text = "I am ${index}!"
    }
    close {}
    signal "answered" {}
  }
  interrupt "end" {
    await = "answered"
    count = 10
  }
  expect {
    exit_code = 0
    stderr {
      contains = ["the program has started", "the program has ended", "drained"]
    }
  }
}

# The program fails and is started again; what comes meanwhile waits.
test "a_program_that_ends_is_started_again" {
  tags = ["ws", "exec"]
  locals {
    port = free_port()
  }
  run {
    flow = "flaky.hcl"
    vars = { url = "127.0.0.1:${local.port}" }
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}"
    send {
      text = "again"
    }
    expect {
      text   = "again"
      within = "1m"
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
      contains = ["the program has ended with exit status 7", "the program says"]
    }
  }
}

test "validate_looks_for_the_program" {
  run {
    command = ["flowrun", "validate", "no_program.hcl"]
  }
  expect {
    exit_code = 78
    stderr {
      contains = ["run flowrun-no-such-program: it is in no folder of PATH: install it, or write its path"]
    }
  }
}
