test "many_clients_each_hear_their_own" {
  tags = ["ws"]
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
  peer "client" {
    connect = "ws://127.0.0.1:${local.port}"
    count   = 100
    dial {}
    signal "joined" {}
    await "joined" {
      count = 100
    }
    repeat {
      times = 20
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

test "a_client_that_is_cut_off_harms_nobody" {
  tags = ["ws"]
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
  peer "mallory" {
    connect = "ws://127.0.0.1:${local.port}"
    count   = 10
    send {
      json  = { from = "mallory" }
      count = 50
    }
    cut {}
    signal "gone" {}
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}"
    repeat {
      times = 5
      send {
        json = { from = "alice", n = n }
      }
      expect {
        json = { from = "alice", n = n }
      }
    }
    await "gone" {
      count = 10
    }
    send {
      json = { from = "alice", last = true }
    }
    expect {
      json = { from = "alice", last = true }
    }
    silence {
      for = "50ms"
    }
    close {}
  }
}
