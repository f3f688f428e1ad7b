# Each second, a list of one record, with its time in front.
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
    close {}
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
    close {}
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
    close {}
  }
}
