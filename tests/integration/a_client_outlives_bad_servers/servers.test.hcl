# A client meets one broken server after the other at the same address. It believes
# nothing of what they say, hangs up and tries again each time, and is there when a good
# one answers.
test "and_is_there_for_a_good_one" {
  tags = ["ws", "reconnect", "security"]
  locals {
    port = free_port()
    page = join("", [for i in range(1024) : "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"])
    book = join("", [for i in range(64) : local.page])
  }
  run {
    flow = "flow.hcl"
    vars = { upstream = "ws://127.0.0.1:${local.port}" }
  }
  peer "server" {
    listen = "127.0.0.1:${local.port}"
    within = "1m"

    # It closes at once.
    refuse {
      status = 0
    }

    # It never answers.
    accept {
      tcp = true
    }
    expect_raw {
      matches = "\r\n\r\n$"
    }
    expect_close {}

    # It answers half.
    accept {
      tcp = true
    }
    expect_raw {
      matches = "\r\n\r\n$"
    }
    raw {
      text = "HTTP/1.1 101 Switching Pro"
    }
    expect_close {}

    # It answers without end.
    accept {
      tcp = true
    }
    expect_raw {
      matches = "\r\n\r\n$"
    }
    raw {
      text = "HTTP/1.1 101 Switching Protocols\r\nX: ${local.book}"
    }
    expect_close {}

    # It speaks something else.
    accept {
      tcp = true
    }
    expect_raw {
      matches = "\r\n\r\n$"
    }
    raw {
      text = "220 mail.example ESMTP\r\n"
    }
    expect_close {}

    # It refuses.
    refuse {
      status = 404
    }

    # It has the wrong key.
    accept {
      tcp = true
    }
    expect_raw {
      matches = "\r\n\r\n$"
    }
    raw {
      text = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n"
    }
    expect_close {}

    # It cuts a frame.
    accept {}
    frame {
      length = 5
      text   = "\"no"
    }
    cut {
      how = "end"
    }

    # It sets reserved bits.
    accept {}
    frame {
      rsv  = 7
      text = "\"no\""
    }
    expect_close {
      code = 1002
    }

    # It sends an unknown opcode.
    accept {}
    frame {
      opcode = 3
      text   = "\"no\""
    }
    expect_close {
      code = 1002
    }

    # It sends text that is not UTF-8.
    accept {}
    frame {
      hex = "22 ff ff 22"
    }
    expect_close {
      code = 1007
    }

    # It sends more than max_message.
    accept {}
    frame {
      text = jsonencode(local.page)
    }
    expect_close {} # 1009, unless what was not read resets the connection before

    # It masks its frames.
    accept {}
    frame {
      masked = "yes"
      text   = "\"no\""
    }
    expect_close {
      code = 1002
    }

    # It says goodbye.
    accept {}
    close {
      code = 1001
    }


    accept {}
    send {
      json = "good"
    }
    ping {}
    signal "heard" {}
    expect_close {
      code = 1000
    }
  }
  interrupt "end" {
    await = "heard"
  }
  expect {
    exit_code = 0
    file "heard.ndjson" {
      events = ["good"]
    }
  }
}
