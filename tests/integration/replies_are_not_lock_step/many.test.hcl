test "many_in_flight_come_back_in_order" {
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
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}"
    send {
      json  = { n = n }
      count = 1000
    }
    expect {
      json  = { n = n }
      count = 1000
    }
    close {}
  }
}
