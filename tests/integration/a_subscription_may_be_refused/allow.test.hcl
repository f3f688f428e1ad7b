test "allow_and_limits" {
  tags = ["ws", "topics", "security"]
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
  peer "eve" {
    connect = "ws://127.0.0.1:${local.port}/?user=eve"
    send {
      json = { join = ["private.bob", "private.eve"] }
    }
    expect {
      where = event.error.kind == "subscribe" && event.error.message == "subscribe to \"private.bob\": allow is false" && event.event.join[0] == "private.bob"
    }
    expect {
      where = has(event.join) # the event goes on
    }
    send {
      json = { join = ["123456789012345678901"] }
    }
    expect {
      where = event.error.message == "subscribe to a topic of 21 bytes: max_length is 20B"
    }
    expect {
      where = has(event.join)
    }
    send {
      json = { join = ["a", "b"] }
    }
    expect {
      where = event.error.message == "subscribe to \"b\": there are 2 subscriptions, and max_per_connection allows no more"
    }
    expect {
      where = has(event.join)
    }
    send {
      json = { join = 7 }
    }
    expect {
      where = event.error.message == "a topic is a string, and this is a number"
    }
    expect {
      where = has(event.join)
    }
    signal "joined" {}
    expect {
      json = { to = "private.eve" }
    }
    close {}
  }
  peer "speaker" {
    connect = "ws://127.0.0.1:${local.port}"
    dial {}
    await "joined" {}
    send {
      json = { to = "private.bob" }
    }
    send {
      json = { to = "b" }
    }
    send {
      json = { to = "private.eve" }
    }
    close {}
  }
}
