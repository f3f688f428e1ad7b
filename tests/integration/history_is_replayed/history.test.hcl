test "the_last_of_each_topic_then_what_comes" {
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
  peer "speaker" {
    connect = "ws://127.0.0.1:${local.port}"
    repeat {
      times = 5
      send {
        json = { to = "a", n = n }
      }
      send {
        json = { to = "b", n = n }
      }
    }
    ping {}
    signal "said" {}
    repeat {
      times = 100
      send {
        json = { to = "a", n = n + 5 }
      }
    }
    close {}
  }
  # Whenever it comes: from the first that it gets on, none is missing, and the answer to
  # its subscription comes behind what was said before.
  peer "late" {
    connect = "ws://127.0.0.1:${local.port}"
    count   = 30
    dial {}
    await "said" {}
    send {
      json = { join = "a" }
    }
    expect {
      where = event.to == "a" && event.n >= 2
      save  = { n = event.n }
    }
    expect {
      json = { to = "a", n = saved.n + 1 }
    }
    expect {
      json = { to = "a", n = saved.n + 2 }
    }
    close {}
  }
  peer "both" {
    connect = "ws://127.0.0.1:${local.port}"
    dial {}
    await "said" {}
    send {
      json = { join = ["b", "b*", "B"] }
    }
    expect {
      json = { to = "b", n = 2 }
    }
    expect {
      json = { to = "b", n = 3 }
    }
    expect {
      json = { to = "b", n = 4 }
    }
    expect {
      json = { join = ["b", "b*", "B"] }
    }
    close {}
  }
}
