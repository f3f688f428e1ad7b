# Several lines in a frame, with comments, blank lines, a type that is left out and a broken one; and a message that is cut off.
test "in_both_directions" {
  tags = ["ws", "codecs", "bgp"]
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
  peer "collector" {
    connect = "ws://127.0.0.1:${local.port}/json"
    dial {}
    ping {}
    await "open" {
      count = 2
    }
    send {
      text = <<-EOT
        # two that count, of five lines

        ["R",1,"2026-07-13T00:00:00.037","KEEPALIVE",null,{}]
        ["R",2,"2026-07-13T00:00:00.037","UPDATE",{"unreach":["192.0.2.0/24"]},{"a":"b"}]
        ["R",3,"2026-07-13T00:00:00.037","UPDATE",{"reach":["198.51.100.0/24"]},{}]
        {"not": "a message"}
        ["R",4,"2026-07-13T00:00:00.037","NOTIFY","0x0602",{}]
      EOT
    }
    expect {
      where = event[0] == "R" && event[3] == "UPDATE" && event[4].unreach[0] == "192.0.2.0/24" && startswith(event[5]["websocket/remote"], "127.0.0.1:")
    }
    await "seen" {}
    close {}
  }
  peer "router" {
    connect = "ws://127.0.0.1:${local.port}/raw"
    dial {}
    ping {}
    signal "open" {}
    expect {
      hex  = "ffffffffffffffffffffffffffffffff 001b 02 0004 18c00002 0000"
      type = "binary"
    }
    expect {
      hex = "ffffffffffffffffffffffffffffffff 0015 03 0602"
    }
    send {
      hex = "ffffffffffffffffffffffffffffffff 001b 02 0004 18c00002 0000"
    }
    send {
      hex = "ffffffffffffffffffffffffffffffff 001b 02 0004 18c00002 00"
    }
    await "seen" {}
    close {}
  }
  peer "warned" {
    connect = "ws://127.0.0.1:${local.port}/errors"
    dial {}
    ping {}
    signal "open" {}
    expect {
      where = event.error.kind == "decode" && event.raw == base64encode("{\"not\": \"a message\"}")
    }
    expect {
      where = event.error.kind == "truncated" && event.error.message == "decode a BGP message as raw: a BGP message declares 27 bytes, and 26 have come"
    }
    signal "seen" {}
    close {}
  }
}
