test "a_connection_behind_for_each" {
  tags = ["ws", "proxy"]
  locals {
    port   = free_port()
    behind = free_port()
  }
  before "proxy" {
    flow = "flow.hcl"
    vars = {
      url      = "127.0.0.1:${local.port}"
      upstream = "ws://127.0.0.1:${local.behind}"
    }
    ready {
      port = local.port
    }
  }
  # Ten connections: each hears only one client, and it answers in that one's name.
  peer "server" {
    listen = "127.0.0.1:${local.behind}"
    count  = 10
    expect {
      where = event.n == 0
      save  = { client = event.client }
    }
    send {
      json = { client = saved.client, n = 0 }
    }
    repeat {
      times = 5
      expect {
        json = { client = saved.client, n = n + 1 }
      }
      send {
        json = { client = saved.client, n = n + 1 }
      }
    }
    expect_close {}
  }
  peer "client" {
    connect = "ws://127.0.0.1:${local.port}"
    count   = 10
    repeat {
      times = 6
      send {
        json = { client = index, n = n }
      }
      expect {
        json = { client = index, n = n }
      }
    }
    close {}
  }
}
