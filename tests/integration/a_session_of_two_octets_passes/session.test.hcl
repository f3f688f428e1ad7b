# RFC 6793, 4.2.2: towards a speaker of two octets AS_PATH has two, with AS_TRANS (23456) for
# a number that has no room, and AS4_PATH says which that is.
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
      hex = "ffffffffffffffffffffffffffffffff 0031 02 0000 0016 40010100 400206 0202 fbf5 5ba0 c00706 fbf5 c0000201 18c00002"
    }
    signal "next" {}
    expect {
      hex = "ffffffffffffffffffffffffffffffff 0035 02 0000 001a 40010100 400206 0202 fbf5 5ba0 c0110a 0202 0000fbf5 fa56ea01 18c00002"
    }
    signal "seen" {}
    close {}
  }
  peer "left" {
    connect = "ws://127.0.0.1:${local.port}/left"
    dial {}
    await "there" {}
    send {
      hex = "ffffffffffffffffffffffffffffffff 0031 02 0000 0016 40010100 400206 0202 fbf5 5ba0 c00706 fbf5 c0000201 18c00002"
    }
    await "seen" {}
    close {}
  }
  peer "injector" {
    connect = "ws://127.0.0.1:${local.port}/json"
    dial {}
    await "next" {}
    send {
      json = ["R", 1, "2026-07-13T00:00:00.037", "UPDATE", {
        reach = ["192.0.2.0/24"]
        attrs = { ORIGIN = { value = "IGP" }, ASPATH = { value = [64501, 4200000001] } }
      }]
    }
    await "seen" {}
    close {}
  }
}
