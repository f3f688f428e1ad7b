test "the_speaker_too" {
  tags = ["ws", "broadcast"]
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
  peer "listener" {
    connect = "ws://127.0.0.1:${local.port}"
    count   = 20
    ping {} # its pong tells that the server knows this client
    signal "joined" {}
    expect {
      json  = { n = n }
      count = 10
    }
    silence {
      for = "50ms"
    }
    close {}
  }
  peer "speaker" {
    connect = "ws://127.0.0.1:${local.port}"
    dial {}
    await "joined" {
      count = 20
    }
    send {
      json  = { n = n }
      count = 10
    }
    expect {
      json  = { n = n }
      count = 10
    }
    silence {
      for = "50ms"
    }
    close {}
  }
}
