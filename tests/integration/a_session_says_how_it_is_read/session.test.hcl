# Two routers that know AS numbers of two octets and path identifiers (RFC 6793, 7911): in the
# bytes only their OPENs say so.
test "by_its_opens" {
  tags = ["ws", "codecs", "bgp"]
  locals {
    port = free_port()
  }
  before "server" {
    flow = "flow.hcl"
    vars = { address = "127.0.0.1:${local.port}" }
    ready {
      port = local.port
    }
  }
  peer "service" {
    connect = "ws://127.0.0.1:${local.port}/service"
    dial {}
    ping {}
    signal "there" {}
    expect {
      where = event[0] == "R" && event[3] == "OPEN"
    }
    send {
      json = ["R", 1, "2026-07-13T00:00:00.037", "OPEN", { bgp = 4, asn = 64501, id = "192.0.2.1", hold = 90, caps = { ADDPATH = ["IPV4/UNICAST/BIDIR"] } }]
    }
    expect {
      where = event[0] == "L" && event[3] == "OPEN"
    }
    send {
      json = ["L", 1, "2026-07-13T00:00:00.037", "OPEN", { bgp = 4, asn = 64502, id = "192.0.2.2", hold = 90, caps = { ADDPATH = ["IPV4/UNICAST/BIDIR"] } }]
    }
    expect {
      where = event[4].reach == ["#1#192.0.2.0/24"] && event[4].attrs.ASPATH.value == [64501, 1299]
    }
    send {
      json = ["R", 2, "2026-07-13T00:00:00.037", "UPDATE", {
        reach = ["#1#192.0.2.0/24"]
        attrs = { ORIGIN = { value = "IGP" }, ASPATH = { value = [64501, 1299] } }
      }]
    }
    await "seen" {}
    close {}
  }
  peer "left" {
    connect = "ws://127.0.0.1:${local.port}/left"
    dial {}
    await "there" {
      count = 2
    }
    send {
      hex = "ffffffffffffffffffffffffffffffff 0025 01 04 fbf5 005a c0000201 08 0206 4504 00010103"
    }
    expect {
      hex = "ffffffffffffffffffffffffffffffff 0025 01 04 fbf6 005a c0000202 08 0206 4504 00010103"
    }
    send {
      hex = "ffffffffffffffffffffffffffffffff 002c 02 0000 000d 40010100 400206 0202 fbf5 0513 00000001 18c00002"
    }
    await "seen" {}
    close {}
  }
  peer "right" {
    connect = "ws://127.0.0.1:${local.port}/right"
    dial {}
    ping {}
    signal "there" {}
    expect {
      hex = "ffffffffffffffffffffffffffffffff 0025 01 04 fbf5 005a c0000201 08 0206 4504 00010103"
    }
    send {
      hex = "ffffffffffffffffffffffffffffffff 0025 01 04 fbf6 005a c0000202 08 0206 4504 00010103"
    }
    expect {
      hex = "ffffffffffffffffffffffffffffffff 002c 02 0000 000d 40010100 400206 0202 fbf5 0513 00000001 18c00002"
    }
    signal "seen" {}
    close {}
  }
}

# RFC 7854, 4.10: Peer Up has the OPENs of both sides. What follows would be two prefixes
# without them; with them it is one that has an identifier.
test "by_what_a_router_tells_of_its_peer" {
  tags = ["ws", "codecs", "bgp"]
  locals {
    port = free_port()
  }
  before "server" {
    flow = "flow.hcl"
    vars = { address = "127.0.0.1:${local.port}" }
    ready {
      port = local.port
    }
  }
  peer "reader" {
    connect = "ws://127.0.0.1:${local.port}/service"
    dial {}
    ping {}
    signal "there" {}
    expect {
      where = event[4].reach == ["192.0.2.0/24", "192.0.3.0/24"]
    }
    expect {
      where = event[4].reach == ["#415236098#192.0.3.0/24"]
    }
    signal "seen" {}
    close {}
  }
  peer "router" {
    connect = "ws://127.0.0.1:${local.port}/bmp"
    dial {}
    await "there" {}
    send {
      hex = "03 0000004f 00 0000 0000000000000000 000000000000000000000000c0000201 0000fbf5 00000000 6a542a80 00009103 ffffffffffffffffffffffffffffffff 001f 02 0000 0000 18c00002 18c00003"
    }
    send {
      hex = "03 0000008e 03 0000 0000000000000000 000000000000000000000000c0000201 0000fbf5 00000000 6a542a80 00009103 000000000000000000000000c0000209 00b3 c001 ffffffffffffffffffffffffffffffff 0025 01 04 fbf6 005a c0000209 08 0206 4504 00010101 ffffffffffffffffffffffffffffffff 0025 01 04 fbf5 005a c0000201 08 0206 4504 00010102"
    }
    send {
      hex = "03 0000004f 00 0000 0000000000000000 000000000000000000000000c0000201 0000fbf5 00000000 6a542a80 00009103 ffffffffffffffffffffffffffffffff 001f 02 0000 0000 18c00002 18c00003"
    }
    await "seen" {}
    close {}
  }
}
