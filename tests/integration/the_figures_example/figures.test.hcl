# Each second, a list of one record, with its time in front. The server stays until the
# client has been told to end: a record that waits for one that is gone holds up the end.
test "as_it_says" {
  tags = ["ws", "host"]
  locals {
    port = free_port()
  }
  before "client" {
    flow = "figures.hcl"
    vars = { url = "ws://127.0.0.1:${local.port}/" }
  }
  peer "server" {
    listen = "127.0.0.1:${local.port}"
    expect {
      where = length(event) == 1 && event[0].date > 1700000000.0 && event[0].cpu_p >= 0 && event[0]["cpu0.p_cpu"] <= 100 && event[0]["Mem.used"] > 0
      count = 2
    }
    signal "seen" {}
    expect_close {
      code = 1000
      skip = true
    }
  }
  interrupt "end" {
    to    = "client"
    await = "seen"
  }
}

# A record as Fluent Bit packs it, with the time at which it was taken.
test "msgpack" {
  tags = ["ws", "host", "codecs"]
  locals {
    port = free_port()
  }
  before "client" {
    flow = "figures.hcl"
    vars = { url = "ws://127.0.0.1:${local.port}/", format = "msgpack" }
  }
  peer "server" {
    listen = "127.0.0.1:${local.port}"
    expect {
      where = startswith(hexencode(event), "9292d700")
      type  = "binary"
      count = 2
    }
    signal "seen" {}
    expect_close {
      code = 1000
      skip = true
    }
  }
  interrupt "end" {
    to    = "client"
    await = "seen"
  }
}

test "json_lines" {
  tags = ["ws", "host", "codecs"]
  locals {
    port = free_port()
  }
  before "client" {
    flow = "figures.hcl"
    vars = { url = "ws://127.0.0.1:${local.port}/", format = "json_lines" }
  }
  peer "server" {
    listen = "127.0.0.1:${local.port}"
    expect {
      where = event.date > 1700000000.0 && event.cpu_p >= 0
      count = 2
    }
    signal "seen" {}
    expect_close {
      code = 1000
      skip = true
    }
  }
  interrupt "end" {
    to    = "client"
    await = "seen"
  }
}
