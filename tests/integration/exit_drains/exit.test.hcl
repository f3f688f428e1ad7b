# "exit" comes right behind a hundred messages: each of them is still answered and
# written, and only then are the clients told goodbye.
test "what_was_said_before_the_word" {
  tags = ["ws", "exit", "drain"]
  locals {
    port = free_port()
  }
  run {
    flow = "flow.hcl"
    vars = { url = "127.0.0.1:${local.port}" }
  }
  peer "bystander" {
    connect = "ws://127.0.0.1:${local.port}"
    ping {}
    signal "joined" {}
    expect_close {
      code = 1001
    }
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}"
    await "joined" {}
    send {
      json  = { n = n }
      count = 100
    }
    send {
      json = "exit"
    }
    expect {
      json  = { n = n }
      count = 100
    }
    expect_close {
      code = 1001
    }
  }
  expect {
    exit_code = 0
    file "said.ndjson" {
      format = "ndjson"
      count  = 100
    }
  }
}
