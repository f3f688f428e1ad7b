# What a peer has not confirmed is on the disk: it is not waited for as long as the end
# may take, a minute.
test "that_confirms_nothing" {
  tags = ["ws", "drain"]
  locals {
    port = free_port()
    to   = free_port()
  }
  run {
    flow = "ws.hcl"
    vars = { address = "127.0.0.1:${local.port}", to = "127.0.0.1:${local.to}" }
  }
  peer "client" {
    connect = "ws://127.0.0.1:${local.port}"
    send {
      json  = { n = n }
      count = 3
    }
    expect_close {
      code   = 1001
      within = "20s"
    }
  }
  peer "hung" {
    listen       = "127.0.0.1:${local.to}"
    answer_pings = false
    answer_close = false
    within       = "20s"
    expect {
      json  = { n = n }
      count = 3
    }
    signal "heard" {}
    expect_close {}
  }
  interrupt "end" {
    await = "heard"
  }
  expect {
    exit_code = 0
    stderr {
      contains = ["stay in the queue's directory", "\"events\":3", "\"lost\":0,\"dropped\":0,\"failed\":0"]
      absent   = ["cut short"]
    }
  }
}

test "that_answers_nothing" {
  tags = ["http", "drain"]
  locals {
    port = free_port()
    to   = free_port()
  }
  run {
    flow = "http.hcl"
    vars = { address = "127.0.0.1:${local.port}", to = "127.0.0.1:${local.to}" }
  }
  peer "client" {
    connect = "ws://127.0.0.1:${local.port}"
    send {
      json = { n = 1 }
    }
    expect_close {
      code   = 1001
      within = "20s"
    }
  }
  peer "hung" {
    listen = "127.0.0.1:${local.to}"
    within = "20s"
    accept {
      tcp = true
    }
    expect_raw {
      matches = "{\"n\":1}$"
    }
    signal "asked" {}
    expect_close {}
  }
  interrupt "end" {
    await = "asked"
  }
  expect {
    exit_code = 0
    stderr {
      contains = ["stay in the queue's directory", "\"events\":1", "\"lost\":0,\"dropped\":0,\"failed\":0"]
      absent   = ["cut short"]
    }
  }
}
