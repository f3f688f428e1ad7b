# The peers talk as bgpipe does: binary frames, one message in each, and no close frame at the end.
test "as_it_says" {
  tags = ["ws", "bgp"]
  env  = { BGP_AUTH = "user:s3cret" }
  locals {
    port = free_port()
  }
  before "archive" {
    flow = "bgp_archive.hcl"
    vars = { url = "ws://127.0.0.1:${local.port}/bgp" }
    ready {
      port = local.port
    }
  }
  peer "bgpipe" {
    connect = "ws://127.0.0.1:${local.port}/bgp"
    headers = { Authorization = "Basic ${base64encode("user:s3cret")}" }
    send {
      json = ["R", 1, "2026-07-13T00:00:00.037", "OPEN", { bgp = 4, asn = 64501, id = "192.0.2.1", hold = 90, caps = {} }, {}]
      type = "binary"
    }
    send {
      json = ["R", 2, "2026-07-13T00:00:00.038", "UPDATE", { reach = ["192.0.2.0/24"], attrs = { ORIGIN = { flags = "T", value = "IGP" } } }, { PEER_AS = "64501" }]
      type = "binary"
    }
    send {
      json = ["L", 3, "2026-07-13T00:00:00.039", "UPDATE", { reach = ["10.1.0.0/16"] }, {}]
      type = "binary"
    }
    send {
      text = "# a sign of life"
      type = "binary"
    }
    send {
      json = ["R", 4, "2026-07-13T00:00:00.040"]
      type = "binary"
    }
    send {
      json = ["L", 5, "2026-07-13T00:00:00.041", "UPDATE", { unreach = ["192.0.2.0/24"] }, {}]
      type = "binary"
    }
    ping {}
    cut {
      how = "end"
    }
  }
  peer "stranger" {
    connect = "ws://127.0.0.1:${local.port}/bgp"
    dial {
      status = 401
      where  = startswith(event.headers["www-authenticate"], "Basic realm=")
    }
  }
  expect {
    file "updates.json" {
      events = [
        ["R", 2, "2026-07-13T00:00:00.038", "UPDATE", { reach = ["192.0.2.0/24"], attrs = { ORIGIN = { flags = "T", value = "IGP" } } }, { PEER_AS = "64501" }],
        ["L", 5, "2026-07-13T00:00:00.041", "UPDATE", { unreach = ["192.0.2.0/24"] }, {}],
      ]
      format   = "ndjson"
      ignore   = ["5.websocket/remote"]
      contains = ["\"websocket/remote\":\"127.0.0.1:"]
    }
    process "archive" {
      stderr {
        contains = ["no list [dir"]
        absent   = ["s3cret"]
      }
    }
  }
}
