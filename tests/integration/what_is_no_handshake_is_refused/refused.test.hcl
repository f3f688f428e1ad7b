test "with_a_status_that_says_why" {
  tags = ["ws", "security"]
  locals {
    port = free_port()
    long = join("", [for i in range(1000) : "0123456789"])
  }
  before "server" {
    flow = "flow.hcl"
    vars = { url = "127.0.0.1:${local.port}" }
    ready {
      port = local.port
    }
  }
  peer "curl" {
    connect = "ws://127.0.0.1:${local.port}"
    dial {
      tcp = true
    }
    raw {
      text = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    }
    expect_raw {
      matches = "^HTTP/1.1 426 (.|\\s)*Upgrade: websocket"
    }
  }
  peer "long" {
    connect = "ws://127.0.0.1:${local.port}"
    dial {
      tcp = true
    }
    raw {
      text = "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: ${local.long}\r\n\r\n"
    }
    expect_raw {
      matches = "^HTTP/1.1 426 "
    }
  }
  peer "old" {
    connect = "ws://127.0.0.1:${local.port}"
    dial {
      tcp = true
    }
    raw {
      text = "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    }
    expect_raw {
      matches = "^HTTP/1.1 400 (.|\\s)*Sec-Websocket-Version: 13"
    }
  }
  peer "large" {
    connect = "ws://127.0.0.1:${local.port}"
    dial {
      tcp = true
    }
    raw {
      text = "GET / HTTP/1.1\r\nHost: x\r\nX-Large: ${local.long}${local.long}${local.long}${local.long}${local.long}${local.long}${local.long}\r\n\r\n"
    }
    expect_raw {
      matches = "^HTTP/1.1 431 "
    }
  }
  expect {
    process "server" {
      exit_code = 0
      stderr {
        matches = [
          "handshake refused: it is none of WebSocket.*\"client\":\"127.0.0.1:.*Connection header .*close.* does not contain Upgrade",
          "Upgrade header .*[0-9]…\"",
          "unsupported WebSocket protocol version .only 13 is supported.: .*8",
        ]
        absent = [substr(local.long, 0, 300)]
      }
    }
  }
}
