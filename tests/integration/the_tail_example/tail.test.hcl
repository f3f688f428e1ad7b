# A file that is replaced is as good as one that is rotated.
test "lines_come_as_they_are_written" {
  tags = ["ws", "file"]
  locals {
    port = free_port()
  }
  run {
    flow = "tail.hcl"
    vars = { url = "127.0.0.1:${local.port}" }
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}"
    dial {}
    signal "listens" {}
    expect {
      where = event.line == "first" && endswith(event.file, "service.log")
    }
    expect {
      where = event.line == "second"
    }
    signal "heard" {}
    expect {
      where = event.line == "of the new file"
    }
    close {}
    signal "done" {}
  }
  interrupt "write" {
    await   = "listens"
    replace = { "service.log" = "one.txt" }
    signal  = "none"
  }
  interrupt "rotate" {
    await   = "heard"
    replace = { "service.log" = "two.txt" }
    signal  = "none"
  }
  interrupt "end" {
    await = "done"
  }
  expect {
    exit_code = 0
    stderr {
      contains = ["drained"]
    }
    file "tail.position" {
      matches = ["service.log"]
    }
  }
}

# Nothing is read twice, and nothing is left out, when the flow starts again.
test "it_goes_on_where_it_was" {
  tags = ["file"]
  before "writer" {
    command = ["sh", "-c", "printf 'one\\ntwo\\nthr' > follow.log"]
    wait    = true
  }
  before "first" {
    command = ["flowrun", "server", "run", "--var", "last=two", "follow.hcl"]
    wait    = true
  }
  before "meanwhile" {
    command = ["sh", "-c", "echo ee >> follow.log; mv follow.log follow.log.1; echo four > follow.log; mv follow.log follow.log.2; echo five > follow.log"]
    wait    = true
  }
  run {
    flow = "follow.hcl"
    vars = { last = "five" }
  }
  expect {
    exit_code = 0
    file "out.log" {
      text = "one\ntwo\nthree\nfour\nfive\n"
    }
  }
}
