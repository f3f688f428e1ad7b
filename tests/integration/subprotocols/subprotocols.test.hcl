test "a_server_chooses_the_first_of_its_own_that_is_offered" {
  tags = ["ws", "subprotocols"]
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
  peer "new" {
    connect      = "ws://127.0.0.1:${local.port}"
    subprotocols = ["v1.chat", "v2.chat", "v3.chat"]
    dial {
      where = event.subprotocol == "v2.chat"
    }
    send {
      text = "which?"
    }
    expect {
      text = "v2.chat"
    }
    close {}
  }
  peer "old" {
    connect      = "ws://127.0.0.1:${local.port}"
    subprotocols = ["v1.chat"]
    dial {
      where = event.subprotocol == "v1.chat"
    }
    close {}
  }
  peer "stranger" {
    connect      = "ws://127.0.0.1:${local.port}"
    subprotocols = ["mqtt"]
    dial {
      status = 101
      where  = !has(event.headers["sec-websocket-protocol"])
    }
    close {}
  }
  peer "plain" {
    connect = "ws://127.0.0.1:${local.port}"
    dial {
      where = !has(event.headers["sec-websocket-protocol"])
    }
    close {}
  }
}

test "a_client_leaves_a_server_that_speaks_none" {
  tags = ["ws", "subprotocols", "reconnect"]
  locals {
    port = free_port()
  }
  run {
    flow = "client.hcl"
    vars = { url = "http://127.0.0.1:${local.port}" }
  }
  peer "server" {
    listen = "127.0.0.1:${local.port}"
    accept {
      where = event.subprotocols == ["v2.chat", "v1.chat"]
    }
    expect_close {
      code = 1006
    }
    signal "left" {}
  }
  interrupt "end" {
    await = "left"
    ready {
      log = "trying again"
    }
  }
  expect {
    exit_code = 0
    stderr {
      contains = ["the server speaks none of the subprotocols v2.chat, v1.chat"]
    }
  }
}

test "and_talks_to_one_that_chooses" {
  tags = ["ws", "subprotocols"]
  locals {
    port = free_port()
  }
  run {
    flow = "client.hcl"
    vars = { url = "http://127.0.0.1:${local.port}" }
  }
  peer "server" {
    listen       = "127.0.0.1:${local.port}"
    subprotocols = ["v1.chat"]
    accept {}
    send {
      text = "which?"
    }
    expect {
      text = "v1.chat"
    }
    signal "heard" {}
    expect_close {
      code = 1000
    }
  }
  interrupt "end" {
    await = "heard"
  }
  expect {
    exit_code = 0
  }
}
