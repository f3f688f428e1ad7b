test "a_ping_is_answered_and_no_event" {
  tags = ["ws", "ping"]
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
  peer "page" {
    connect = "ws://127.0.0.1:${local.port}"
    send {
      text = "ping"
    }
    expect {
      text = "pong"
      type = "text"
    }
    # In fragments too.
    send {
      text      = "ping"
      fragments = 2
    }
    expect {
      text = "pong"
    }
    # What only begins with it is an event, and so is what is binary, and the answer.
    send {
      text = "ping "
    }
    expect {
      text = "ping "
    }
    send {
      hex = "70 69 6e 67"
    }
    expect {
      hex  = "70 69 6e 67"
      type = "binary"
    }
    send {
      text = "pong"
    }
    expect {
      text = "pong"
    }
    close {}
  }
}

test "a_client_asks_and_answers" {
  tags = ["ws", "ping"]
  locals {
    port = free_port()
  }
  run {
    flow = "client.hcl"
    vars = { url = "ws://127.0.0.1:${local.port}" }
  }
  peer "service" {
    listen = "127.0.0.1:${local.port}"
    accept {}
    expect {
      text = "are you there"
      type = "text"
    }
    send {
      text = "yes"
    }
    expect {
      text = "are you there"
    }
    send {
      text = "yes"
    }
    send {
      text = "are you there"
    }
    expect {
      text = "yes"
      skip = true
    }
    send {
      text = "news"
    }
    ping {}
    signal "sent" {}
    expect_close {
      code = 1000
      skip = true
    }
  }
  interrupt "end" {
    await = "sent"
  }
  expect {
    exit_code = 0
    file "heard.txt" {
      text = "news\n"
    }
  }
}
