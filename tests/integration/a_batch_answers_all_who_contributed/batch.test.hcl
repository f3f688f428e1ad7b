test "each_once" {
  tags = ["ws", "batch"]
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
    count   = 50
    within  = "1m"
    send {
      json  = index * 2 + n
      count = 2
    }
    expect {
      where = sort(event) == range(100)
    }
    signal "answered" {}
    silence {
      for = "50ms"
    }
    close {}
  }
  peer "bystander" {
    connect = "ws://127.0.0.1:${local.port}"
    dial {}
    await "answered" {
      count  = 50
      within = "1m"
    }
    silence {
      for = "50ms"
    }
    close {}
  }
}
