test "each_gets_what_it_asked_for" {
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
  # Forty listen to a, by their path; ten of them to b, too.
  peer "a" {
    connect = "ws://127.0.0.1:${local.port}/?topic=a"
    count   = 30
    ping {}
    signal "joined" {}
    expect {
      json  = { to = "a", n = n }
      count = 20
    }
    expect {
      json = { to = ["a", "b", "a"], n = 20 }
    }
    silence {
      for = "50ms"
    }
    close {}
  }
  peer "both" {
    connect = "ws://127.0.0.1:${local.port}/?topic=a"
    count   = 10
    send {
      json = { join = ["b", "a", "b"] }
    }
    expect {
      json = { ok = ["b", "a", "b"] }
    }
    signal "joined" {}
    repeat {
      times = 20
      expect {
        json = { to = "a", n = n }
      }
      expect {
        json = { to = "b", n = n }
      }
    }
    # Once, although it has subscribed to both.
    expect {
      json = { to = ["a", "b", "a"], n = 20 }
    }
    send {
      json = { leave = ["a", "nothing"] }
    }
    expect {
      json = { ok = ["a", "nothing"] }
    }
    signal "left" {}
    expect {
      json = { to = "b", n = 22 }
    }
    close {}
  }
  peer "speaker" {
    connect = "ws://127.0.0.1:${local.port}"
    dial {}
    await "joined" {
      count = 40
    }
    repeat {
      times = 20
      send {
        json = { to = "a", n = n }
      }
      send {
        json = { to = "b", n = n }
      }
    }
    send {
      json = { to = ["a", "b", "a"], n = 20 }
    }
    # To nobody.
    send {
      json = { to = null }
    }
    send {
      json = { to = "c" }
    }
    await "left" {
      count = 10
    }
    send {
      json = { to = "b", n = 22 }
    }
    # What is no topic is told by the source.
    send {
      json = { to = ["a", 1] }
    }
    expect {
      where = event.error.kind == "topic" && event.error.message == "a topic is a string, and in this list is a number" && event.error.component == "connector.edge"
    }
    close {}
  }
}
