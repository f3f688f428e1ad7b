# Who runs a flow from a script learns of it by the exit code, as from gzip.
test "by_the_exit_code" {
  tags = ["file"]
  run {
    flow = "flow.hcl"
  }
  expect {
    exit_code = 1
    stderr {
      contains = ["the compressed file is damaged, what follows is lost", "all sources have ended"]
    }
  }
}

# A server has more to do.
test "and_servers_go_on" {
  tags = ["file", "ws"]
  locals {
    port = free_port()
  }
  run {
    flow = "server.hcl"
    vars = { url = "127.0.0.1:${local.port}" }
    ready {
      log = "the compressed file is damaged"
    }
  }
  peer "client" {
    connect = "ws://127.0.0.1:${local.port}"
    send {
      text = "still here"
    }
    expect {
      text = "still here"
    }
    close {}
    signal "heard" {}
  }
  interrupt "end" {
    await = "heard"
  }
  expect {
    exit_code = 0
  }
}
