# The far server turns the first connections away while alice talks; all that she has
# said waits in the queue, and arrives in its order when the server is back.
test "everything_queued_arrives" {
  tags = ["ws", "reconnect", "queue"]
  locals {
    port = free_port()
    far  = free_port()
  }
  before "flow" {
    flow = "flow.hcl"
    vars = {
      url = "127.0.0.1:${local.port}"
      far = "ws://127.0.0.1:${local.far}"
    }
    ready {
      port = local.port
    }
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}"
    dial {}
    await "away" {}
    send {
      json  = { n = n }
      count = 500
    }
    ping {} # read by now, since frames are answered in their order
    signal "said" {}
    await "heard" {}
    close {}
  }
  peer "far" {
    listen = "127.0.0.1:${local.far}"
    accept {}
    cut {}
    refuse {
      status = 503
    }
    signal "away" {}
    await "said" {}
    refuse {
      status = 0
    }
    accept {}
    expect {
      json  = { n = n }
      count = 500
    }
    signal "heard" {}
    close {}
  }
}
