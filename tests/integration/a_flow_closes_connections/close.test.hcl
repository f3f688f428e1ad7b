test "after_the_event" {
  tags = ["ws", "close"]
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
  peer "coded" {
    connect = "ws://127.0.0.1:${local.port}"
    send {
      json = { n = 1, close = null } # of which there is none
    }
    expect {
      json = { bye = 1 }
    }
    send {
      json = { n = 2, close = { code = 4000, reason = "enough" } }
    }
    expect {
      json = { bye = 2 }
    }
    expect_close {
      code   = 4000
      reason = "^enough$"
    }
  }
  peer "plain" {
    connect = "ws://127.0.0.1:${local.port}"
    # {"n":1,"close":{}} and, in the same bytes, {"n":2,"close":{}}, which is not answered any more
    raw {
      hex = join("", [for n in [1, 2] : "819200000000 7b226e223a3${n}2c22636c6f7365223a7b7d7d"])
    }
    expect {
      json = { bye = 1 }
    }
    expect_close {
      code = 1000
    }
  }
  peer "cut" {
    connect = "ws://127.0.0.1:${local.port}"
    send {
      json = { n = 1, close = { abort = true } }
    }
    expect {
      json = { bye = 1 }
    }
    expect_close {
      code = 1006
    }
  }
  peer "mistaken" {
    connect = "ws://127.0.0.1:${local.port}"
    send {
      json = { n = 1, close = { code = 1006 } }
    }
    expect {
      where = event.error.kind == "encode" && event.error.message == "meta.ws_server.close: code 1006 cannot be sent: code is a whole number: 1000, or one from 3000 to 4999 that means something to the clients"
    }
    send {
      json = { n = 1, close = { cod = 1000 } }
    }
    expect {
      where = event.error.message == "meta.ws_server.close: there is no \"cod\": an object is wanted, { code, reason, abort }"
    }
    close {}
  }
}

test "all" {
  tags = ["ws", "close", "broadcast"]
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
  peer "audience" {
    connect = "ws://127.0.0.1:${local.port}"
    count   = 20
    ping {}
    signal "there" {}
    expect {
      json = { bye = 1 }
    }
    expect_close {
      code   = 3001
      reason = "the end"
    }
  }
  peer "speaker" {
    connect = "ws://127.0.0.1:${local.port}"
    dial {}
    await "there" {
      count = 20
    }
    send {
      json = { n = 1, all = true, close = { code = 3001, reason = "the end" } }
    }
    expect {
      json = { bye = 1 }
    }
    expect_close {
      code = 3001
    }
  }
}
