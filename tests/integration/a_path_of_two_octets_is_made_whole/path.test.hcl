# RFC 6793, 4.2.3: AS_PATH has AS_TRANS (23456) where a number has no room, and AS4_PATH
# says which that is.
test "by_what_passed_beside_it" {
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
    connect = "ws://127.0.0.1:${local.port}/paths"
    dial {}
    ping {}
    signal "there" {}
    expect {
      json = { path = [64501, 4200000001, 4200000002, 1299], origin = 1299 }
    }
    expect {
      json = { path = [64501, 23456, 4200000002, 4200000003], origin = null }
    }
    expect {
      json = { path = [64501, 23456, 23456, 1299], origin = 1299 }
    }
    expect {
      json = { path = [64501, 4200000001, 4200000002, 1299], origin = 1299 }
    }
    signal "seen" {}
    close {}
  }
  peer "router" {
    connect = "ws://127.0.0.1:${local.port}/raw"
    dial {}
    await "there" {}
    # 64501 had prepended itself.
    send {
      hex = "ffffffffffffffffffffffffffffffff 0044 02 0000 0029 40010100 40020a 0204 fbf5 5ba0 5ba0 0513 400304 c0000201 e0110e 0203 fa56ea01 fa56ea02 00000513 18c00002"
    }
    # A set counts as one; the router before 64501 knew no AS4_PATH.
    send {
      hex = "ffffffffffffffffffffffffffffffff 0044 02 0000 0029 40010100 40020e 0202 fbf5 5ba0 0103 5ba0 5ba0 0513 400304 c0000201 e0110a 0102 fa56ea02 fa56ea03 18c00002"
    }
    # Who aggregated the route knew two octets, so AS4_PATH is of something older.
    send {
      hex = "ffffffffffffffffffffffffffffffff 0058 02 0000 003d 40010100 40020a 0204 fbf5 5ba0 5ba0 0513 400304 c0000201 c00706 fbf5 c0000201 e0110e 0203 fa56ea01 fa56ea02 00000513 c01208 fa56ea01 c0000201 18c00002"
    }
    # Who aggregated it is in AS4_AGGREGATOR.
    send {
      hex = "ffffffffffffffffffffffffffffffff 0058 02 0000 003d 40010100 40020a 0204 fbf5 5ba0 5ba0 0513 400304 c0000201 c00706 5ba0 c0000201 e0110e 0203 fa56ea01 fa56ea02 00000513 c01208 fa56ea01 c0000201 18c00002"
    }
    await "seen" {}
    close {}
  }
}
