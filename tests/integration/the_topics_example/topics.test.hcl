test "as_it_says" {
  tags = ["ws", "topics", "sessions"]
  locals {
    port = free_port()
  }
  before "server" {
    flow = "topics.hcl"
    vars = { url = "127.0.0.1:${local.port}" }
    ready {
      port = local.port
    }
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}/?user=alice&topics=btc.eur,internal.x"
    expect {
      json = { error = "subscribe to \"internal.x\": allow is false" }
    }
    signal "there" {}
    expect {
      json = { price = 1, symbol = "btc.eur" }
    }
    expect {
      json = { text = "hello", to = "alice" }
    }
    close {}
  }
  peer "bob" {
    connect = "ws://127.0.0.1:${local.port}/?user=bob"
    dial {}
    await "there" {}
    send {
      json = { price = 1, symbol = "btc.eur" }
    }
    send {
      json = { price = 2, symbol = "btc.usd" }
    }
    send {
      json = { text = "hello", to = "alice" }
    }
    send {
      json = { text = "hello", to = "carol" }
    }
    expect {
      json = { error = "connector.edge: connection of this identity: the connection is no longer open" }
    }
    send {
      json = { subscribe = "btc.*" }
    }
    expect {
      json = { price = 1, symbol = "btc.eur" }
    }
    expect {
      json = { price = 2, symbol = "btc.usd" }
    }
    expect {
      json = { subscribed = "btc.*", unsubscribed = null }
    }
    close {}
  }
}
