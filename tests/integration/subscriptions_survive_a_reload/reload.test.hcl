test "of_what_the_edit_did_not_touch" {
  tags = ["ws", "topics", "sessions", "reload"]
  locals {
    port = free_port()
  }
  before "server" {
    flow = "flow.hcl"
    args = ["--watch"]
    vars = { url = "127.0.0.1:${local.port}" }
    ready {
      port = local.port
    }
  }
  before "editor" {
    command = ["sh", "-c", "trap 'mv next.hcl flow.hcl; exit' USR1; echo ready; while :; do sleep 0.05; done"]
    ready {
      log = "ready"
    }
  }
  interrupt "edited" {
    to     = "editor"
    signal = "SIGUSR1"
    await  = "joined"
  }
  peer "client" {
    connect = "ws://127.0.0.1:${local.port}/?key=k"
    send {
      json = { join = "news" }
    }
    expect {
      json = { join = "news" }
      skip = true
    }
    expect {
      json = { version = 1 }
    }
    signal "joined" {}
    expect {
      json   = { version = 2 }
      skip   = true
      within = "1m"
    }
    signal "reloaded" {}
    await "refused" {}
    close {}
  }
  peer "second" {
    connect = "ws://127.0.0.1:${local.port}/?key=k"
    await "reloaded" {
      within = "1m"
    }
    dial {
      status = 409
    }
    signal "refused" {}
  }
}
