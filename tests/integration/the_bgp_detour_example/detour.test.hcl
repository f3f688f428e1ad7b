# The service leaves out a prefix, and is cut off on the way: what the routers say then waits for it.
test "as_it_says" {
  tags = ["tcp", "ws", "bgp", "reconnect"]
  locals {
    left    = free_port()
    right   = free_port()
    service = free_port()
  }
  run {
    flow = "bgp_detour.hcl"
    vars = {
      left    = "tcp://127.0.0.1:${local.left}"
      right   = "tcp://127.0.0.1:${local.right}"
      service = "ws://127.0.0.1:${local.service}/bgp"
      retry   = "20ms"
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
      hex = "ffffffffffffffffffffffffffffffff 001b 02 0004 18c00002 0000 ffffffffffffffffffffffffffffffff 001b 02 0004 180a0001 0000"
    }
    await "lost" {}
    raw {
      hex = "ffffffffffffffffffffffffffffffff 0013 04"
    }
    expect_raw {
      matches = "(?s)^.{16}\\x00\\x13\\x04$"
    }
    signal "seen" {}
  }
  peer "right" {
    listen = "127.0.0.1:${local.right}"
    accept {
      tcp = true
    }
    signal "ready" {}
    expect_raw {
      matches = "(?s)^.{16}\\x00\\x1b\\x02\\x00\\x04\\x18\\x0a\\x00\\x01\\x00\\x00$"
    }
    raw {
      hex = "ffffffffffffffffffffffffffffffff 0013 04"
    }
    expect_raw {
      matches = "(?s)\\x00\\x01\\x00\\x00.{16}\\x00\\x13\\x04$"
    }
    signal "seen" {}
  }
  # As bgpipe: binary frames, and no close frame.
  peer "service" {
    listen = "127.0.0.1:${local.service}/bgp"
    accept {}
    ping {}
    signal "ready" {}
    expect {
      where = event[0] == "R" && event[4].unreach == ["192.0.2.0/24"]
    }
    expect {
      where = event[0] == "R" && event[4].unreach == ["10.0.1.0/24"]
    }
    send {
      json = event
      type = "binary"
    }
    expect {
      where = event[0] == "L" && event[3] == "KEEPALIVE"
    }
    send {
      json = event
      type = "binary"
    }
    ping {}
    cut {}
    signal "cut" {}
    accept {}
    expect {
      where = event[0] == "R" && event[3] == "KEEPALIVE"
    }
    send {
      json = event
      type = "binary"
    }
    await "seen" {
      count = 2
    }
    expect_close {
      code = 1000
    }
  }
  # What is sent before the cut is noticed may be lost with the connection.
  interrupt "lost" {
    await  = "cut"
    signal = "none"
    ready {
      log = "lost, trying again.*service"
    }
  }
  interrupt "end" {
    await = "seen"
    count = 2
  }
  expect {
    exit_code = 0
  }
}
