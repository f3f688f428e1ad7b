test "as_it_says" {
  tags = ["tcp", "ws", "tls", "bgp"]
  locals {
    left  = free_port()
    right = free_port()
    port  = free_port()
  }
  certificate "server" {}
  before "flow" {
    flow = "bgp_clients.hcl"
    vars = {
      left   = "tcp://127.0.0.1:${local.left}"
      right  = "tcp://127.0.0.1:${local.right}"
      listen = "wss://127.0.0.1:${local.port}/bgp"
      cert   = "server.cert"
      key    = "server.key"
    }
    ready {
      port = local.port
    }
  }
  peer "left" {
    listen = "127.0.0.1:${local.left}"
    accept {
      tcp = true
    }
    await "ready" {
      count = 3
    }
    raw {
      hex = "ffffffffffffffffffffffffffffffff 001d 01 04 fbf5 005a c0000201 00"
    }
    expect_raw {
      matches = "(?s)^.{16}\\x00\\x1b\\x02\\x00\\x04\\x18\\x0a\\x00\\x01\\x00\\x00$"
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
      matches = "(?s)^.{16}\\x00\\x1d\\x01.{10}.{16}\\x00\\x1b\\x02\\x00\\x04\\x18\\x0a\\x00\\x02\\x00\\x00$"
    }
    signal "seen" {}
  }
  peer "client" {
    connect = "wss://127.0.0.1:${local.port}/bgp"
    count   = 2
    tls {
      cafile = "server.cert"
    }
    dial {}
    ping {}
    signal "ready" {}
    expect {
      where = event[0] == "R" && event[3] == "OPEN" && event[4].asn == 64501
      type  = "text"
    }
    signal "heard" {}
    await "heard" {
      count = 2
    }
    # One says something, to both; a NOTIFICATION would end the session.
    send {
      text = index > 0 ? "#" : join("\n", [jsonencode(["R", 1, "", "NOTIFY", "0x0602", {}]), jsonencode(["L", 1, "", "UPDATE", { unreach = ["10.0.1.0/24"] }, {}]), jsonencode(["R", 1, "", "UPDATE", { unreach = ["10.0.2.0/24"] }, {}])])
      type = "binary"
    }
    await "seen" {
      count = 2
    }
    close {}
  }
  expect {
    process "flow" {
      exit_code = 0
    }
  }
}

# What a router says goes to the client, and on to the other router when the client says so.
test "without_copy" {
  tags = ["tcp", "ws", "tls", "bgp"]
  locals {
    left  = free_port()
    right = free_port()
    port  = free_port()
  }
  certificate "server" {}
  before "flow" {
    flow = "bgp_clients.hcl"
    vars = {
      left   = "tcp://127.0.0.1:${local.left}"
      right  = "tcp://127.0.0.1:${local.right}"
      listen = "wss://127.0.0.1:${local.port}/bgp"
      cert   = "server.cert"
      key    = "server.key"
      copy   = "false"
    }
    ready {
      port = local.port
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
      hex = "ffffffffffffffffffffffffffffffff 001d 01 04 fbf5 005a c0000201 00"
    }
    await "seen" {}
  }
  peer "right" {
    listen = "127.0.0.1:${local.right}"
    accept {
      tcp = true
    }
    signal "ready" {}
    expect_raw {
      matches = "(?s)^.{16}\\x00\\x1d\\x01\\x04.{2}\\x00\\x3c.{4}\\x00$" # its hold time is what the client made it
    }
    signal "seen" {}
  }
  peer "client" {
    connect = "wss://127.0.0.1:${local.port}/bgp"
    tls {
      cafile = "server.cert"
    }
    dial {}
    ping {}
    signal "ready" {}
    expect {
      where = event[0] == "R" && event[3] == "OPEN" && event[4].asn == 64501 && event[4].hold == 90
    }
    send {
      json = ["R", 1, "", "OPEN", { bgp = 4, asn = 64501, id = "192.0.2.1", hold = 60, caps = {} }, {}]
      type = "binary"
    }
    await "seen" {}
    close {}
  }
  expect {
    process "flow" {
      exit_code = 0
    }
  }
}
