test "star_and_question_mark" {
  tags = ["ws", "topics"]
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
  peer "stars" {
    connect = "ws://127.0.0.1:${local.port}"
    send {
      json = { join = "trade.*.eur" }
    }
    expect {
      where = true
    }
    signal "joined" {}
    expect {
      json = { to = "trade.btc.eur" }
    }
    expect {
      json = { to = "trade.a.b.eur" }
    }
    expect {
      json = { to = "trade..eur" }
    }
    silence {
      for = "50ms"
    }
    close {}
  }
  peer "marks" {
    connect = "ws://127.0.0.1:${local.port}"
    send {
      json = { join = ["quote.???.*", "news"] }
    }
    expect {
      where = true
    }
    signal "joined" {}
    expect {
      json = { to = "quote.btc.usd" }
    }
    expect {
      json = { to = "news" }
    }
    silence {
      for = "50ms"
    }
    close {}
  }
  peer "speaker" {
    connect = "ws://127.0.0.1:${local.port}"
    dial {}
    await "joined" {
      count = 2
    }
    send {
      json = { to = "trade.btc.eur" }
    }
    send {
      json = { to = "trade.btc.usd" }
    }
    send {
      json = { to = "trade.a.b.eur" }
    }
    send {
      json = { to = "trade..eur" }
    }
    send {
      json = { to = "quote.btc.usd" }
    }
    send {
      json = { to = "quote.link.usd" }
    }
    send {
      json = { to = "news" }
    }
    send {
      json = { to = "newsletter" }
    }
    close {}
  }
}
