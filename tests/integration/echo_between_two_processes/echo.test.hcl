test "the_client_gets_its_lines_back" {
  tags = ["ws"]
  locals {
    port = free_port()
  }
  before "server" {
    flow = "server.hcl"
    vars = { url = "127.0.0.1:${local.port}" }
    ready {
      log = "edge listens on"
    }
  }
  run {
    flow = "client.hcl"
    vars = { url = "ws://127.0.0.1:${local.port}" }
  }
  expect {
    exit_code = 0
    file "out.ndjson" {
      equals = "expected.ndjson"
    }
    process "server" {
      exit_code = 0
      stderr {
        absent = ["error", "panic"]
      }
    }
  }
}

test "exit_ends_the_server" {
  tags = ["ws", "exit"]
  locals {
    port = free_port()
  }
  run {
    flow = "server.hcl"
    vars = { url = "127.0.0.1:${local.port}" }
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}"
    send {
      text = "{\"n\":1}\n"
    }
    expect {
      text = "{\"n\":1}\n"
    }
    send {
      text = "\"exit\"\n"
    }
    expect_close {
      code = 1001
    }
  }
  expect {
    exit_code = 0
  }
}
