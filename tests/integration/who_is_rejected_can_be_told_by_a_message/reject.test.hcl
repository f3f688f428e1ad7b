test "and_a_close_frame" {
  tags = ["ws", "access"]
  locals {
    port = free_port()
  }
  before "server" {
    flow = "flow.hcl"
    vars = { url = "127.0.0.1:${local.port}", close = "close" }
    ready {
      port = local.port
    }
  }
  peer "unknown" {
    connect = "ws://127.0.0.1:${local.port}/?api_key=hunter2"
    expect {
      text = "{\"error\":\"the credentials are not accepted (401 credentials_invalid)\"}"
    }
    expect_close {
      code   = 1008
      reason = "^the credentials are not accepted$"
    }
  }
  peer "known" {
    connect = "ws://127.0.0.1:${local.port}/?api_key=known"
    send {
      json = 1
    }
    expect {
      json = 1
    }
    close {}
  }
  peer "page" {
    connect = "ws://127.0.0.1:${local.port}/?api_key=known"
    dial {
      headers = { Origin = "https://evil.example" }
      status  = 403
    }
  }
  expect {
    process "server" {
      exit_code = 0
      stderr {
        contains = [
          "handshake refused: the token is not a known one",
        ]
        absent = ["hunter2"]
      }
    }
  }
}

test "and_a_cut" {
  tags = ["ws", "access"]
  locals {
    port = free_port()
  }
  before "server" {
    flow = "flow.hcl"
    vars = { url = "127.0.0.1:${local.port}", close = "abort" }
    ready {
      port = local.port
    }
  }
  peer "unknown" {
    connect = "ws://127.0.0.1:${local.port}/?api_key=hunter2"
    expect {
      text = "{\"error\":\"the credentials are not accepted (401 credentials_invalid)\"}"
    }
    expect_close {
      code = 1006
    }
  }
  peer "known" {
    connect = "ws://127.0.0.1:${local.port}/?api_key=known"
    send {
      json = 1
    }
    expect {
      json = 1
    }
    close {}
  }
  peer "page" {
    connect = "ws://127.0.0.1:${local.port}/?api_key=known"
    dial {
      headers = { Origin = "https://evil.example" }
      status  = 403
    }
  }
  expect {
    process "server" {
      exit_code = 0
      stderr {
        contains = [
          "handshake refused: the token is not a known one",
        ]
        absent = ["hunter2"]
      }
    }
  }
}
