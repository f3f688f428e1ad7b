# What a client with a persistent queue was given while the name had no address is sent by
# the next process, which finds one, before anything that it is given itself.
test "and_for_the_next_process" {
  tags = ["udp", "ws"]
  locals {
    port = free_port()
    edge = free_port()
  }
  before "receiver" {
    flow = "receiver.hcl"
    vars = { address = "127.0.0.1:${local.port}" }
    ready {
      log = "listens on"
    }
  }
  before "early" {
    flow  = "flow.hcl"
    vars  = { to = "nobody.invalid:4242" }
    stdin = "{\"n\":1}\n{\"n\":2}\n"
    wait  = true
  }
  run {
    flow = "next.hcl"
    vars = { to = "127.0.0.1:${local.port}", edge = "127.0.0.1:${local.edge}" }
  }
  peer "client" {
    connect = "ws://127.0.0.1:${local.edge}"
    dial {}
    send {
      json = { n = 3 }
    }
    expect {
      json = { n = 3 }
      skip = true
    }
    close {}
    signal "answered" {}
  }
  interrupt "end" {
    await = "answered"
  }
  expect {
    exit_code = 0
    file "got.ndjson" {
      events = [{ n = 1 }, { n = 2 }, { n = 3 }]
    }
    process "early" {
      exit_code = 0
      stderr {
        contains = ["stay in the queue's directory", "\"lost\":0,\"dropped\":0,\"failed\":0"]
      }
    }
    stderr {
      contains = ["of an earlier process are in the queue"]
    }
  }
}
