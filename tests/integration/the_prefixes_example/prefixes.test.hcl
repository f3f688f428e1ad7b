test "as_it_says" {
  tags = ["ws", "topics", "sessions"]
  locals {
    port = free_port()
    feed = free_port()
  }
  before "server" {
    flow = "prefixes.hcl"
    vars = { url = "127.0.0.1:${local.port}", feed = "ws://127.0.0.1:${local.feed}/" }
    ready {
      port = local.port
    }
  }
  peer "feed" {
    listen = "127.0.0.1:${local.feed}"
    accept {}
    await "listening" {
      count = 2
    }
    send {
      json = { record_type = "update", vp = 1, announced = ["192.0.2.128/25", "198.51.100.0/24"] }
    }
    send {
      json = { record_type = "update", vp = 2, withdrawn = ["198.51.100.7/32"] }
    }
    send {
      json = { record_type = "update", vp = 3, announced = ["203.0.113.0/24"] }
    }
    send {
      json = { record_type = "update", vp = 4, announced = ["2001:db8:1::/48"] }
    }
    await "heard" {}
    await "turned away" {
      count = 2
    }
    send {
      json = { record_type = "revoked", key_of = "ada" }
    }
    await "cut off" {}
    close {}
  }
  peer "ada" {
    connect = "ws://127.0.0.1:${local.port}/?api_key=key-of-ada"
    headers = { Origin = "http://127.0.0.1" }
    ping {}
    signal "listening" {}
    expect {
      json = { record_type = "update", vp = 1, prefixes = "192.0.2.128/25,198.51.100.0/24" }
    }
    expect {
      json = { record_type = "update", vp = 4, prefixes = "2001:db8:1::/48" }
    }
    signal "heard" {}
    expect {
      json = { error = "this API key has been revoked" }
    }
    expect_close {
      code = 1006
    }
    signal "cut off" {}
  }
  peer "bob" {
    connect = "ws://127.0.0.1:${local.port}/?api_key=key-of-bob"
    send {
      json = { add = [for n in range(11) : "10.${n}.0.0/16"] }
    }
    expect {
      where = startswith(event.error, "subscribe to 11 topics: max_per_connection is 10")
    }
    send {
      json = { add = ["198.51.100.0/24", "here"] }
    }
    expect {
      json = { error = "subscribe to \"here\": it is neither a prefix like \"192.0.2.0/24\" nor an address" }
    }
    signal "listening" {}
    expect {
      where = event.vp == 1
    }
    expect {
      json = { record_type = "update", vp = 2 }
    }
    send {
      json = { drop = "198.51.100.0/24" }
    }
    close {}
  }
  peer "another_ada" {
    connect = "ws://127.0.0.1:${local.port}/?api_key=key-of-ada"
    await "heard" {}
    expect {
      json = { error = "another client is already connected with the same API key" }
    }
    expect_close {
      code = 1006
    }
    signal "turned away" {}
  }
  peer "stranger" {
    connect = "ws://127.0.0.1:${local.port}/?api_key=key-of-eve"
    expect {
      json = { error = "unknown API key" }
    }
    expect_close {
      code = 1006
    }
    signal "turned away" {}
  }
}
