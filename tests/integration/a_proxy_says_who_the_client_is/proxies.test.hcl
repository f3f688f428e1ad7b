test "by_a_header_field" {
  tags = ["ws", "access"]
  locals {
    port = free_port()
  }
  before "server" {
    flow = "flow.hcl"
    vars = { url = "127.0.0.1:${local.port}", trusted = "127.0.0.0/8" }
    ready {
      port = local.port
    }
  }
  peer "x_forwarded_for" {
    connect = "ws://127.0.0.1:${local.port}"
    headers = { X-Forwarded-For = "203.0.113.9, 198.51.100.7" }
    send {
      json = 1
    }
    expect {
      json = { host = "198.51.100.7", port = null, meta = "198.51.100.7" }
    }
    close {}
  }
  peer "forwarded" {
    connect = "ws://127.0.0.1:${local.port}"
    headers = { Forwarded = "for=203.0.113.9, for=\"[2001:db8::7]:4711\";proto=https" }
    send {
      json = 1
    }
    expect {
      json = { host = "2001:db8::7", port = 4711, meta = "2001:db8::7" }
    }
    close {}
  }
  peer "mallory" {
    connect = "ws://127.0.0.1:${local.port}"
    dial {
      headers = { X-Forwarded-For = "198.51.100.7", Forwarded = "for=127.0.0.1" }
      status  = 400
      where   = jsondecode(event.body).error == "forwarding_ambiguous"
    }
  }
  expect {
    process "server" {
      exit_code = 0
      stderr {
        contains = [
          "handshake refused: X-Forwarded-For and Forwarded disagree",
        ]
      }
    }
  }
}

test "not_by_one_of_a_stranger" {
  tags = ["ws", "access"]
  locals {
    port = free_port()
  }
  before "server" {
    flow = "flow.hcl"
    vars = { url = "127.0.0.1:${local.port}", trusted = "10.0.0.0/8" }
    ready {
      port = local.port
    }
  }
  peer "mallory" {
    connect = "ws://127.0.0.1:${local.port}"
    headers = { X-Forwarded-For = "10.0.0.1", Forwarded = "for=10.0.0.1" }
    send {
      json = 1
    }
    expect {
      where = event.host == "127.0.0.1" && event.port > 0
    }
    close {}
  }
}

test "by_the_proxy_protocol" {
  tags = ["ws", "access"]
  locals {
    port = free_port()
  }
  before "server" {
    flow = "flow.hcl"
    vars = { url = "127.0.0.1:${local.port}", trusted = "127.0.0.0/8", proxy_protocol = true }
    ready {
      port = local.port
    }
  }
  peer "proxy" {
    connect = "ws://127.0.0.1:${local.port}"
    dial {
      tcp = true
    }
    raw {
      text = "PROXY TCP4 198.51.100.7 192.0.2.1 56324 443\r\nGET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    }
    expect_raw {
      matches = "^HTTP/1.1 101 "
    }
    raw { # "1", masked
      hex = "81 81 00 00 00 00 31"
    }
    expect_raw {
      matches = "\"host\":\"198.51.100.7\",\"port\":56324,"
    }
    cut {}
  }
  peer "no_proxy" {
    connect = "ws://127.0.0.1:${local.port}"
    dial {
      tcp = true
    }
    raw {
      text = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    }
    expect_close {
      code = 1006
    }
  }
  expect {
    process "server" {
      exit_code = 0
      stderr {
        contains = [
          "a trusted proxy has sent no header of the PROXY protocol",
        ]
      }
    }
  }
}
