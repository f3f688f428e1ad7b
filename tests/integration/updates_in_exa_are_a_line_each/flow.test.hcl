# bgpipe reads one line of a frame and drops the others, so each route is a frame. On a
# stream they are lines. An UPDATE may come as its data alone, as bgpipe takes it too.
test "bgpipe_misses_none" {
  tags = ["ws", "codecs", "bgp"]
  locals {
    port   = free_port()
    bgpipe = free_port()
  }
  run {
    flow = "flow.hcl"
    vars = {
      url    = "127.0.0.1:${local.port}"
      bgpipe = "ws://127.0.0.1:${local.bgpipe}/bgp"
    }
    ready {
      port = local.port
    }
  }
  peer "client" {
    connect = "ws://127.0.0.1:${local.port}/"
    send {
      json = ["R", 1, "2026-07-13T00:00:00.037", "UPDATE", { reach = ["192.0.2.0/24", "198.51.100.0/24"], unreach = ["10.1.0.0/16"], attrs = { ORIGIN = { flags = "T", value = "IGP" } } }, {}]
      type = "binary"
    }
    send {
      json = ["R", 2, "", "KEEPALIVE", null, {}]
      type = "binary"
    }
    send {
      json = { unreach = ["192.0.2.0/24"] }
      type = "binary"
    }
    await "seen" {}
    close {}
    signal "done" {}
  }
  peer "bgpipe" {
    listen = "127.0.0.1:${local.bgpipe}"
    accept {}
    expect {
      text = "announce route 192.0.2.0/24 origin IGP"
    }
    expect {
      text = "announce route 198.51.100.0/24 origin IGP"
    }
    expect {
      text = "withdraw route 10.1.0.0/16"
    }
    expect {
      text = "" # which bgpipe passes over, and sends too
    }
    expect {
      text = "withdraw route 192.0.2.0/24"
    }
    signal "seen" {}
    expect_close {}
  }
  interrupt "end" {
    await = "done"
  }
  expect {
    stdout {
      text = <<-EOT
        announce route 192.0.2.0/24 origin IGP
        announce route 198.51.100.0/24 origin IGP
        withdraw route 10.1.0.0/16
        withdraw route 192.0.2.0/24
      EOT
    }
  }
}
