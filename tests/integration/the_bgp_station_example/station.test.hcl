# A router reports: that it is up, two updates in pieces, and what nobody can read.
test "as_it_says" {
  tags = ["tcp", "ws", "bgp"]
  locals {
    routers = free_port()
    port    = free_port()
  }
  before "station" {
    flow = "bgp_station.hcl"
    vars = {
      listen    = "tcp://127.0.0.1:${local.routers}"
      url       = "ws://127.0.0.1:${local.port}/updates"
      collector = "rv2"
    }
    ready {
      port = local.port
    }
  }
  peer "router" {
    connect = "ws://127.0.0.1:${local.routers}"
    await "ready" {}
    dial {
      tcp = true
    }
    raw {
      hex = "03 00000006 04" # Initiation
    }
    raw {
      hex = "03 0000004b 00 00 00 0000000000000000 000000000000000000000000c0000209 0000fbf5 00000000 6a542a80"
    }
    raw {
      hex = "00009103 ffffffffffffffffffffffffffffffff 001b 02 0004 18c00002 0000 03 0000004b 00 00 00 0000000000000000 000000000000000000000000c0000209 0000fbf5 00000000 6a542a80 00009103 ffffffffffffffffffffffffffffffff 001b 02 0004"
    }
    raw {
      hex = "18c00003 0000"
    }
    raw {
      hex = "02 00000006 00"
    }
    await "seen" {}
    cut {
      how = "end"
    }
  }
  peer "client" {
    connect = "ws://127.0.0.1:${local.port}/updates"
    dial {}
    ping {}
    signal "ready" {}
    expect {
      hex  = "4f424d50 0107 005a 0000004b 80 0c 6a542a80 00009103 cb3c93a1362d21be40f2d7e5bc756821 0003 727632 f528764d624db129b32c21fbca0cb8d6 0000000000000000000000007f000001 0009 3132372e302e302e31 00000001 03 0000004b 00 00 00 0000000000000000 000000000000000000000000c0000209 0000fbf5 00000000 6a542a80 00009103 ffffffffffffffffffffffffffffffff 001b 02 0004 18c00002 0000"
      type = "binary"
    }
    expect {
      where = endswith(hexencode(event), "001b02000418c000030000")
    }
    signal "seen" {}
    close {}
  }
  expect {
    process "station" {
      exit_code = 0
      stderr {
        contains = ["it does not begin as one"]
      }
    }
  }
}
