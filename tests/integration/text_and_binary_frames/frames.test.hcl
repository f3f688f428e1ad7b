test "a_reply_has_the_type_of_its_message" {
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
      text = "hello"
    }
    expect {
      text = "hello"
      type = "text"
    }
    send {
      hex = "00 ff fe"
    }
    expect {
      hex  = "00 ff fe"
      type = "binary"
    }
    send {
      text      = "in three pieces"
      fragments = 3
    }
    expect {
      text = "in three pieces"
      type = "text"
    }
    silence {
      for = "50ms"
    }
    close {}
  }
}

test "the_flow_chooses_the_type" {
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
      text = "as text"
      type = "binary"
    }
    expect {
      text = "as text"
      type = "text"
    }
    close {}
  }
}
