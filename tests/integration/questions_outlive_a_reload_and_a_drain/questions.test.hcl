# A question that waits for its answer when the flow changes is answered by the
# connection that it was asked by, and so is the next one. One that waits when the
# process is told to end is answered before the goodbye.
test "and_find_who_has_asked" {
  tags = ["ws", "http", "reload"]
  locals {
    port   = free_port()
    behind = free_port()
    more   = free_port()
  }
  run {
    flow = "flow.hcl"
    vars = { more = "127.0.0.1:${local.more}", address = "127.0.0.1:${local.port}", behind = "127.0.0.1:${local.behind}" }
  }
  peer "client" {
    connect = "ws://127.0.0.1:${local.port}"
    await "there" {}
    send {
      json = 1
    }
    expect {
      json   = "one"
      within = "1m"
    }
    send {
      json = 2
    }
    expect {
      json   = "two"
      within = "1m"
    }
    expect_close {
      code = 1001
    }
  }
  peer "behind" {
    listen = "127.0.0.1:${local.behind}"
    signal "there" {}
    accept {
      tcp = true
    }
    expect_raw {
      matches = "\r\n\r\n1$"
    }
    signal "asked" {}
    await "reloaded" {
      within = "1m"
    }
    raw {
      text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n\"one\""
    }
    expect_raw {
      matches = "\r\n\r\n2$"
    }
    signal "asked_again" {}
    pause {
      for = "1200ms" # longer than close_timeout
    }
    raw {
      text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n\"two\""
    }
  }
  # What the next edition has listens as soon as the flow has changed.
  peer "more" {
    connect = "ws://127.0.0.1:${local.more}"
    await "asked" {}
    dial {
      within = "1m"
    }
    signal "reloaded" {}
    expect_close {
      code = 1001
    }
  }
  interrupt "change" {
    await   = "asked"
    replace = { "flow.hcl" = "next.hcl" }
    signal  = "SIGHUP"
  }
  interrupt "end" {
    await = "asked_again"
  }
  expect {
    exit_code = 0
    stderr {
      contains = ["\"msg\":\"reloaded\"", "\"lost\":0,\"dropped\":0,\"failed\":0"]
    }
  }
}
