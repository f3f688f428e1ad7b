test "touching" {
  tags = ["ws", "topics"]
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
  peer "v4" {
    connect = "ws://127.0.0.1:${local.port}/?prefixes=192.0.2.0/24,198.51.100.7"
    ping {}
    signal "joined" {}
    expect {
      json = { prefixes = ["192.0.2.128/25"] } # in it
    }
    expect {
      json = { prefixes = ["192.0.0.0/16", "192.0.2.0/24"] } # around it, and itself, once
    }
    expect {
      json = { prefixes = ["198.51.100.0/24"] }
    }
    expect {
      json = { prefixes = ["0.0.0.0/0", "::/0"] }
    }
    silence {
      for = "50ms"
    }
    close {}
  }
  peer "v6" {
    connect = "ws://127.0.0.1:${local.port}/?prefixes=2001:db8:1::/48"
    ping {}
    signal "joined" {}
    expect {
      json = { prefixes = ["2001:DB8:0::/32"] }
    }
    expect {
      json = { prefixes = ["2001:db8:1:2::1"] }
    }
    expect {
      json = { prefixes = ["0.0.0.0/0", "::/0"] }
    }
    silence {
      for = "50ms"
    }
    close {}
  }
  peer "mistaken" {
    connect = "ws://127.0.0.1:${local.port}/?prefixes=192.0.2.0/33,203.0.113.0/24"
    expect {
      where = event.error.kind == "subscribe" && event.error.message == "subscribe to \"192.0.2.0/33\": it is neither a prefix like \"192.0.2.0/24\" nor an address"
    }
    signal "joined" {}
    expect {
      json = { prefixes = ["0.0.0.0/0", "::/0"] }
    }
    close {}
  }
  peer "speaker" {
    connect = "ws://127.0.0.1:${local.port}"
    dial {}
    await "joined" {
      count = 3
    }
    send {
      json = { prefixes = ["192.0.2.128/25"] }
    }
    send {
      json = { prefixes = ["192.0.3.0/24"] }
    }
    send {
      json = { prefixes = ["192.0.0.0/16", "192.0.2.0/24"] }
    }
    # They touch its own, 192.0.2.255.
    expect {
      count = 2
    }
    send {
      json = { prefixes = ["198.51.100.0/24"] }
    }
    send {
      json = { prefixes = ["2001:DB8:0::/32"] }
    }
    send {
      json = { prefixes = ["2001:db8:1:2::1"] }
    }
    send {
      json = { prefixes = ["here"] }
    }
    expect {
      where = event.error.kind == "topic"
    }
    send {
      json = { prefixes = ["0.0.0.0/0", "::/0"] }
    }
    expect {
      where = true
    }
    close {}
  }
}
