# The input ends before there is a connection. Nobody wants the end of the process, so it
# comes when all has arrived.
test "by_who_still_connects" {
  tags = ["ws", "drain"]
  locals {
    to = free_port()
  }
  run {
    flow  = "ws.hcl"
    vars  = { to = "127.0.0.1:${local.to}" }
    stdin = "{\"n\":0}\n{\"n\":1}\n{\"n\":2}\n"
  }
  peer "slow" {
    listen = "127.0.0.1:${local.to}"
    within = "20s"
    pause {
      for = "1500ms"
    }
    accept {}
    expect {
      json  = { n = n }
      count = 3
    }
    expect_close {
      code = 1000
    }
  }
  expect {
    exit_code = 0
    stderr {
      contains = ["all sources have ended", "\"lost\":0,\"dropped\":0,\"failed\":0"]
      absent   = ["stay in the queue"]
    }
  }
}

test "by_who_is_busy_at_first" {
  tags = ["http", "drain"]
  locals {
    to = free_port()
  }
  run {
    flow  = "http.hcl"
    vars  = { to = "127.0.0.1:${local.to}" }
    stdin = "{\"n\":0}\n{\"n\":1}\n"
  }
  peer "busy" {
    listen = "127.0.0.1:${local.to}"
    within = "20s"
    accept {
      tcp = true
    }
    expect_raw {
      matches = "{\"n\":0}$"
    }
    raw {
      text = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
    }
    expect_raw {
      matches = "{\"n\":0}(.|\\s)*{\"n\":0}$"
    }
    pause {
      for = "1500ms" # longer than a peer is waited for that is away
    }
    raw {
      text = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    }
    expect_raw {
      matches = "{\"n\":1}$"
    }
    raw {
      text = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    }
    expect_close {}
  }
  expect {
    exit_code = 0
    stderr {
      absent = ["stay in the queue's"]
    }
  }
}

# A peer that is away is not waited for as long as the end may take, a minute.
test "but_not_to_nobody" {
  tags = ["ws", "http", "drain"]
  locals {
    to = free_port()
  }
  before "frames" {
    flow  = "ws.hcl"
    vars  = { to = "127.0.0.1:${local.to}" }
    stdin = "{\"n\":0}\n{\"n\":1}\n{\"n\":2}\n"
    wait  = true
  }
  run {
    flow  = "http.hcl"
    vars  = { to = "127.0.0.1:${local.to}" }
    stdin = "{\"n\":0}\n{\"n\":1}\n"
  }
  expect {
    exit_code = 0
    process "frames" {
      exit_code = 0
      stderr {
        matches = ["stay in the queue's directory.*\"events\":3,\"directory\":\".*queue\""]
      }
    }
    stderr {
      matches = ["stay in the queue's directory.*\"events\":2,\"directory\":\".*questions\""]
    }
  }
}

# Who does not want to wait for it says so.
test "unless_it_is_told_to_end" {
  tags = ["ws", "drain"]
  locals {
    to = free_port()
  }
  run {
    flow  = "ws.hcl"
    vars  = { to = "127.0.0.1:${local.to}" }
    stdin = "{\"n\":0}\n{\"n\":1}\n"
  }
  peer "hung" {
    listen       = "127.0.0.1:${local.to}"
    answer_pings = false
    answer_close = false
    within       = "20s"
    expect {
      json  = { n = n }
      count = 2
    }
    signal "heard" {}
    expect_close {}
  }
  interrupt "end" {
    await = "heard"
    ready {
      log = "all sources have ended"
    }
  }
  expect {
    exit_code = 0
    stderr {
      contains = ["stay in the queue's directory", "\"lost\":0,\"dropped\":0,\"failed\":0"]
      absent   = ["cut short"]
    }
  }
}
