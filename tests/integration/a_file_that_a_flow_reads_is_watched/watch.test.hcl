# What a flow reads by file(), or looks for by fileexists(), is part of it: with
# --watch a change of it is one of the flow.
test "by_watching" {
  tags = ["ws", "reload"]
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
    dial {
      where = event.headers["x-edition"] == "first"
    }
    signal "first" {}
    expect_close {
      code = 1012
    }
    dial {
      where = event.headers["x-edition"] == "second" && event.headers["x-more"] == "no"
    }
    signal "second" {}
    expect_close {
      code = 1012
    }
    dial {
      where = event.headers["x-edition"] == "second" && event.headers["x-more"] == "yes"
    }
    close {}
    signal "done" {}
  }
  interrupt "change" {
    await   = "first"
    replace = { "edition.txt" = "next.txt" }
    signal  = "none"
  }
  interrupt "add" {
    await   = "second"
    replace = { "more.txt" = "next.txt" }
    signal  = "none"
  }
  interrupt "end" {
    await = "done"
  }
  expect {
    exit_code = 0
    stderr {
      contains = ["the files have changed"]
      absent   = ["the reload failed"]
    }
  }
}
