# RFC 7911: what identifies a path stands before each prefix, and only the OPENs say so.
test "as_it_is" {
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
  peer "right" {
    connect = "ws://127.0.0.1:${local.port}/right"
    dial {}
    ping {}
    signal "there" {}
    expect {
      hex = "ffffffffffffffffffffffffffffffff 002b 02 0000 0004 40010100 00000001 18c00002 00000002 18c00003"
    }
    signal "seen" {}
    close {}
  }
  peer "copy" {
    connect = "ws://127.0.0.1:${local.port}/json"
    dial {}
    ping {}
    signal "there" {}
    expect {
      where = event[4].reach == ["#1#192.0.2.0/24", "#2#192.0.3.0/24"]
    }
    signal "seen" {}
    close {}
  }
  peer "left" {
    connect = "ws://127.0.0.1:${local.port}/left"
    dial {}
    await "there" {
      count = 2
    }
    send {
      hex = "ffffffffffffffffffffffffffffffff 002b 02 0000 0004 40010100 00000001 18c00002 00000002 18c00003"
    }
    await "seen" {
      count = 2
    }
    close {}
  }
}
