# A frame with two records as version 5 packs them, one of an older version, and one that is none.
test "of_one_frame_are_events_each" {
  tags = ["ws", "codecs"]
  locals {
    port = free_port()
  }
  before "server" {
    flow = "flow.hcl"
    vars = { url = "127.0.0.1:${local.port}" }
    ready {
      port = local.port
    }
  }
  peer "fluent" {
    connect = "ws://127.0.0.1:${local.port}/ingest"
    await "watched" {
      count = 2
    }
    send {
      type = "text"
      hex  = "9292d7006b00f1f0241732608081a16101 9292d7006b00f1f1241732608081a161a2ff00 92d7006b00f1f20000000081a16103 93010203"
    }
    await "seen" {
      count = 2
    }
    close {}
  }
  peer "watcher" {
    connect = "ws://127.0.0.1:${local.port}/watch"
    dial {}
    ping {}
    signal "watched" {}
    expect {
      text = "{\"date\":\"2026-11-21T01:20:48.605500Z\",\"a\":1}"
    }
    expect {
      text = "{\"date\":\"2026-11-21T01:20:49.605500Z\",\"a\":\"/wA=\"}"
    }
    expect {
      text = "{\"date\":\"2026-11-21T01:20:50.000000Z\",\"a\":3}"
    }
    signal "seen" {}
    close {}
  }
  peer "warned" {
    connect = "ws://127.0.0.1:${local.port}/errors"
    dial {}
    ping {}
    signal "watched" {}
    expect {
      where = event.error.kind == "decode" && event.raw == "kwECAw=="
    }
    signal "seen" {}
    close {}
  }
}
