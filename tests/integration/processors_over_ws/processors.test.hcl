test "several_lines_in_a_message_are_several_events" {
  tags = ["ws", "processors"]
  locals {
    port = free_port()
  }
  before "server" {
    flow = "lines.hcl"
    vars = { url = "127.0.0.1:${local.port}" }
    ready {
      port = local.port
    }
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}"
    send {
      text = "{\"n\":1}\n{\"n\":2}\n"
    }
    expect {
      text = "{\"n\":1}\n"
    }
    expect {
      text = "{\"n\":2}\n"
    }
    send {
      text = "3"
    }
    expect {
      text = "3\n"
    }
    close {}
  }
}

test "a_chain_is_undone_in_the_order_listed" {
  tags = ["ws", "processors"]
  locals {
    port = free_port()
  }
  before "server" {
    flow = "server.hcl"
    vars = { url = "127.0.0.1:${local.port}" }
    ready {
      port = local.port
    }
  }
  # Two lines, packed by another program; each comes back packed by itself.
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}"
    send {
      text = "H4sIAAAAAAAAA6tWylOyMqzlqgbRRrVcAEXGmL4QAAAA"
    }
    expect {
      matches = "^H4sI"
      count   = 2
    }
    silence {
      for = "50ms"
    }
    close {}
  }
}

test "both_ends_agree" {
  tags = ["ws", "processors"]
  locals {
    port = free_port()
  }
  before "server" {
    flow = "server.hcl"
    vars = { url = "127.0.0.1:${local.port}" }
    ready {
      port = local.port
    }
  }
  run {
    flow = "client.hcl"
    vars = { url = "ws://127.0.0.1:${local.port}" }
  }
  expect {
    exit_code = 0
    file "out.ndjson" {
      equals = "in.ndjson"
      format = "ndjson"
    }
  }
}
