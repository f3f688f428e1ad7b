# Two routers open a session, and its messages come in pieces and several at once. The archive asks for a password, is cut off,
# and comes back: the session goes on meanwhile.
test "as_it_says" {
  tags = ["tcp", "ws", "bgp"]
  env  = { BGP_AUTH = "user:s3cret" }
  locals {
    left    = free_port()
    right   = free_port()
    archive = free_port()
  }
  run {
    flow = "bgp_monitor.hcl"
    vars = {
      left    = "tcp://127.0.0.1:${local.left}"
      right   = "tcp://127.0.0.1:${local.right}"
      archive = "ws://127.0.0.1:${local.archive}/bgp"
    }
  }
  peer "left" {
    listen = "127.0.0.1:${local.left}"
    accept {
      tcp = true
    }
    await "ready" {
      count = 2
    }
    raw {
      hex = "ffffffffffffffffffffffffffffffff 001d 01 04 fbf5 005a c0000201"
    }
    raw {
      hex = "00 ffffffffffffffffffffffffffffffff 0013 04"
    }
    expect_raw {
      matches = "(?s)^.{16}\\x00\\x1d\\x01.{10}.{16}\\x00\\x13\\x04$"
    }
    await "lost" {}
    raw {
      hex = "ffffffffffffffffffffffffffffffff 001b 02 0004 18c00002 0000 ffffffffffffffffffffffffffffffff 0013 04"
    }
    await "seen" {
      count = 2
    }
  }
  peer "right" {
    listen = "127.0.0.1:${local.right}"
    accept {
      tcp = true
    }
    signal "ready" {}
    expect_raw {
      matches = "(?s)^.{16}\\x00\\x1d\\x01.{10}.{16}\\x00\\x13\\x04$"
    }
    raw {
      hex = "ffffffffffffffffffffffffffffffff 001d 01 04 fbf6 005a c0000202 00 ffffffffffffffffffffffffffffffff 0013 04"
    }
    expect_raw {
      matches = "(?s)\\x00\\x1b\\x02\\x00\\x04\\x18.\\x00\\x02\\x00\\x00.{16}\\x00\\x13\\x04$"
    }
    signal "seen" {}
  }
  peer "archive" {
    listen = "127.0.0.1:${local.archive}/bgp"
    accept {
      where = event.headers.authorization == "Basic ${base64encode("user:s3cret")}"
    }
    ping {}
    signal "ready" {}
    expect_all {
      message {
        where = event[0] == "R" && event[3] == "OPEN" && event[4].asn == 64501
      }
      message {
        where = event[0] == "R" && event[3] == "KEEPALIVE"
      }
      message {
        where = event[0] == "L" && event[3] == "OPEN" && event[4].asn == 64502 && event[4].id == "192.0.2.2"
      }
      message {
        where = event[0] == "L" && event[3] == "KEEPALIVE"
      }
    }
    cut {}
    signal "cut" {}
    accept {}
    expect {
      where = event[0] == "R" && event[3] == "UPDATE" && event[4].unreach == ["192.0.2.0/24"]
    }
    expect {
      where = event[0] == "R" && event[3] == "KEEPALIVE"
    }
    signal "seen" {}
    expect_close {
      code = 1000
    }
  }
  # What is sent before the cut is noticed may be lost with the connection.
  interrupt "lost" {
    await  = "cut"
    signal = "none"
    ready {
      log = "lost, trying again.*archive"
    }
  }
  interrupt "end" {
    await = "seen"
    count = 2
  }
  expect {
    exit_code = 0
    stderr {
      absent = ["s3cret", "panic"]
    }
  }
}
