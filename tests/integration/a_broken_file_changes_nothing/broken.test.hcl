# A file with mistakes is put into the place of the flow: all of them are told, and
# its client notices nothing. The next file takes over as if that one had not been.
test "by_signal" {
  tags = ["ws", "reload", "configuration"]
  locals {
    port = free_port()
  }
  run {
    flow = "flow.hcl"
    vars = { port = local.port }
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}/"
    send {
      json = 1
    }
    expect {
      json = 1
    }
    signal "ready" {}
    await "refused" {}
    send {
      json = 2
    }
    expect {
      json = 2
    }
    signal "undisturbed" {}
    await "mended" {}
    send {
      json = 3
    }
    expect {
      json = { better = 3 }
    }
    close {}
    signal "done" {}
  }
  interrupt "break" {
    await   = "ready"
    replace = { "flow.hcl" = "broken.hcl" }
    signal  = "SIGHUP"
  }
  interrupt "refused" {
    await  = "break"
    signal = "none"
    ready {
      log = "the reload failed, the flows run on as they are"
    }
  }
  interrupt "mend" {
    await   = "undisturbed"
    replace = { "flow.hcl" = "better.hcl" }
    signal  = "SIGHUP"
  }
  interrupt "mended" {
    await  = "mend"
    signal = "none"
    ready {
      log = "\"msg\":\"reloaded\""
    }
  }
  interrupt "end" {
    await = "done"
  }
  expect {
    exit_code = 0
    stderr {
      contains = ["did you mean \"codec\"?", "did you mean \"event\"?", "did you mean connector.edge?"]
      matches  = ["^flow.hcl:7,3-8: error: ", "^\\d errors$"]
    }
  }
}

# The same without signals.
test "by_watching" {
  tags = ["ws", "reload", "configuration"]
  locals {
    port = free_port()
  }
  run {
    flow = "flow.hcl"
    vars = { port = local.port }
    args = ["--watch"]
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}/"
    ping {}
    signal "ready" {}
    await "refused" {}
    send {
      json = 2
    }
    expect {
      json = 2
    }
    signal "undisturbed" {}
    await "mended" {}
    send {
      json = 3
    }
    expect {
      json = { better = 3 }
    }
    close {}
    signal "done" {}
  }
  interrupt "break" {
    await   = "ready"
    replace = { "flow.hcl" = "broken.hcl" }
    signal  = "none"
  }
  interrupt "refused" {
    await  = "break"
    signal = "none"
    ready {
      log = "the reload failed, the flows run on as they are"
    }
  }
  interrupt "mend" {
    await   = "undisturbed"
    replace = { "flow.hcl" = "better.hcl" }
    signal  = "none"
  }
  interrupt "mended" {
    await  = "mend"
    signal = "none"
    ready {
      log = "\"msg\":\"reloaded\""
    }
  }
  interrupt "end" {
    await = "done"
  }
  expect {
    exit_code = 0
    stderr {
      contains = ["did you mean \"codec\"?", "did you mean connector.edge?"]
    }
  }
}
