test "each_once" {
  tags = ["ws", "window"]
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
  peer "device" {
    connect = "ws://127.0.0.1:${local.port}"
    count   = 10
    send {
      json  = { n = index }
      count = 3
    }
    expect {
      json = { count = 30, sum = 135 }
    }
    silence {
      for = "50ms"
    }
    close {}
  }
  peer "bystander" {
    connect = "ws://127.0.0.1:${local.port}"
    silence {
      for = "200ms"
    }
    close {}
  }
}
