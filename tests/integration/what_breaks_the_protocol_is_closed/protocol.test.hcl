# Each does something that RFC 6455 forbids, or the limits of the server, and is told so;
# the one beside them does not notice.
test "with_the_code_that_says_why" {
  tags = ["ws", "security"]
  locals {
    port = free_port()
    page = join("", [for i in range(1024) : "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"])
    part = join("", [for i in range(20) : substr(local.page, 0, 4096)])
    long = "${local.part}${local.page}"
  }
  before "server" {
    flow = "flow.hcl"
    vars = { url = "127.0.0.1:${local.port}" }
    ready {
      port = local.port
    }
  }
  peer "too_long" {
    connect = "ws://127.0.0.1:${local.port}"
    send {
      json = "good"
    }
    expect {
      json = "good"
    }
    frame {
      text = local.long
    }
    expect_close {
      code = 1009
    }
    signal "closed" {}
  }
  peer "too_long_in_fragments" {
    connect = "ws://127.0.0.1:${local.port}"
    send {
      json = "good"
    }
    expect {
      json = "good"
    }
    frame {
      fin  = false
      text = local.part
    }
    frame {
      opcode = 0
      text   = local.part
    }
    expect_close {
      code = 1009
    }
    signal "closed" {}
  }
  peer "length_of_1_GiB" {
    connect = "ws://127.0.0.1:${local.port}"
    send {
      json = "good"
    }
    expect {
      json = "good"
    }
    frame {
      opcode = 2
      length = 1073741824
      text   = local.long
    }
    expect_close {
      code = 1009
    }
    signal "closed" {}
  }
  peer "length_of_2_to_the_63" {
    connect = "ws://127.0.0.1:${local.port}"
    send {
      json = "good"
    }
    expect {
      json = "good"
    }
    raw {
      hex = "82 ff 80 00 00 00 00 00 00 00 00 00 00 00"
    }
    expect_close {
      code = 1002
    }
    signal "closed" {}
  }
  peer "no_utf8" {
    connect = "ws://127.0.0.1:${local.port}"
    send {
      json = "good"
    }
    expect {
      json = "good"
    }
    frame {
      hex = "22 ff 22"
    }
    expect_close {
      code = 1007
    }
    signal "closed" {}
  }
  peer "end_within_a_character" {
    connect = "ws://127.0.0.1:${local.port}"
    send {
      json = "good"
    }
    expect {
      json = "good"
    }
    frame {
      hex = "22 e2 82"
    }
    expect_close {
      code = 1007
    }
    signal "closed" {}
  }
  peer "no_utf8_in_fragments" {
    connect = "ws://127.0.0.1:${local.port}"
    send {
      json = "good"
    }
    expect {
      json = "good"
    }
    frame {
      fin = false
      hex = "22 e2 82"
    }
    frame {
      opcode = 0
      hex    = "22"
    }
    expect_close {
      code = 1007
    }
    signal "closed" {}
  }
  peer "no_mask" {
    connect = "ws://127.0.0.1:${local.port}"
    send {
      json = "good"
    }
    expect {
      json = "good"
    }
    frame {
      masked = "no"
      text   = "11"
    }
    expect_close {
      code = 1002
    }
    signal "closed" {}
  }
  peer "reserved_bit" {
    connect = "ws://127.0.0.1:${local.port}"
    send {
      json = "good"
    }
    expect {
      json = "good"
    }
    frame {
      rsv  = 4
      text = "1"
    }
    expect_close {
      code = 1002
    }
    signal "closed" {}
  }
  peer "unknown_opcode" {
    connect = "ws://127.0.0.1:${local.port}"
    send {
      json = "good"
    }
    expect {
      json = "good"
    }
    frame {
      opcode = 3
      text   = "1"
    }
    expect_close {
      code = 1002
    }
    signal "closed" {}
  }
  peer "continuation_of_nothing" {
    connect = "ws://127.0.0.1:${local.port}"
    send {
      json = "good"
    }
    expect {
      json = "good"
    }
    frame {
      opcode = 0
      text   = "1"
    }
    expect_close {
      code = 1002
    }
    signal "closed" {}
  }
  peer "message_within_a_message" {
    connect = "ws://127.0.0.1:${local.port}"
    send {
      json = "good"
    }
    expect {
      json = "good"
    }
    frame {
      fin  = false
      text = "1"
    }
    frame {
      text = "2"
    }
    expect_close {
      code = 1002
    }
    signal "closed" {}
  }
  peer "ping_in_fragments" {
    connect = "ws://127.0.0.1:${local.port}"
    send {
      json = "good"
    }
    expect {
      json = "good"
    }
    frame {
      opcode = 9
      fin    = false
      text   = "1"
    }
    expect_close {
      code = 1002
    }
    signal "closed" {}
  }
  peer "long_ping" {
    connect = "ws://127.0.0.1:${local.port}"
    send {
      json = "good"
    }
    expect {
      json = "good"
    }
    frame {
      opcode = 9
      text   = substr(local.long, 0, 126)
    }
    expect_close {
      code = 1002
    }
    signal "closed" {}
  }
  # A character may span fragments.
  peer "euro" {
    connect = "ws://127.0.0.1:${local.port}"
    frame {
      fin = false
      hex = "22 e2 82"
    }
    frame {
      opcode = 0
      hex    = "ac 22"
    }
    expect {
      json = "€"
    }
    close {}
  }
  peer "witness" {
    connect = "ws://127.0.0.1:${local.port}"
    repeat {
      times = 50
      send {
        json = n
      }
      expect {
        json = n
      }
    }
    await "closed" {
      count = 14
    }
    send {
      json = "undisturbed"
    }
    expect {
      json = "undisturbed"
    }
    close {}
  }
  expect {
    process "server" {
      exit_code = 0
      stderr {
        contains = ["max_message"]
      }
    }
  }
}
