# Fluent Bit as it was seen: it asks for the upgrade with its own header fields, sends a
# chunk of records in one frame of text, reads nothing, and when it was closed goes on
# by bare frames.

test "msgpack" {
  tags = ["ws", "codecs"]
  locals {
    port = free_port()
  }
  run {
    flow = "records.hcl"
    vars = { address = "127.0.0.1:${local.port}", format = "msgpack" }
    ready {
      port = local.port
    }
  }
  peer "fluent" {
    connect = "ws://127.0.0.1:${local.port}/"
    dial {
      headers = { Content-Length = "0" }
    }
    send {
      type = "text"
      hex  = "9292d7006b00f1f02417326080 81a16101 92 92d7006b00f1f124173260 80 81a16102"
    }
    ping {}
    cut {}
    dial {
      tcp = true
    }
    raw {
      hex = "818f00000000 92d7006b00f1f024173260 81a16103"
    }
    cut {
      how = "end"
    }
    signal "done" {}
  }
  interrupt "end" {
    await = "done"
    ready {
      log = "a connection without a handshake is taken"
    }
  }
  expect {
    stdout {
      contains = ["\"a\":1", "\"a\":2", "\"a\":3"]
      matches  = ["^{\"date\":1795\\d{6}\\.605\\d*,\"a\":1}$"]
      count    = 3
    }
  }
}

test "json" {
  tags = ["ws", "codecs"]
  locals {
    port = free_port()
  }
  run {
    flow = "records.hcl"
    vars = { address = "127.0.0.1:${local.port}", format = "json" }
    ready {
      port = local.port
    }
  }
  peer "fluent" {
    connect = "ws://127.0.0.1:${local.port}/"
    dial {
      headers = { Content-Length = "0" }
    }
    send {
      type = "text"
      text = "[{\"date\":1795227184.60552,\"a\":1},{\"date\":1795227185.5,\"a\":2}]"
    }
    ping {}
    cut {}
    dial {
      tcp = true
    }
    raw {
      hex = "818900000000 5b7b2261223a337d5d"
    }
    cut {
      how = "end"
    }
    signal "done" {}
  }
  interrupt "end" {
    await = "done"
    ready {
      log = "a connection without a handshake is taken"
    }
  }
  expect {
    stdout {
      contains = ["\"a\":1", "\"a\":2", "\"a\":3"]
      matches  = ["^{\"date\":1795\\d{6}\\.605\\d*,\"a\":1}$"]
      count    = 3
    }
  }
}

# A chunk of small records holds more of them than a list that is split may have by default.
test "chunk" {
  tags = ["ws", "codecs"]
  locals {
    port = free_port()
  }
  run {
    flow = "records.hcl"
    vars = { address = "127.0.0.1:${local.port}", format = "json" }
    ready {
      port = local.port
    }
  }
  peer "fluent" {
    connect = "ws://127.0.0.1:${local.port}/"
    send {
      json = [for i in range(10500) : { date = 1795227184, a = i }]
    }
    ping {
      within = "1m"
    }
    signal "done" {}
  }
  interrupt "end" {
    await = "done"
  }
  expect {
    stdout {
      matches = ["^{\"date\":1795227184,\"a\":10499}$"]
      count   = 10500
    }
  }
}

test "json_stream" {
  tags = ["ws", "codecs"]
  locals {
    port = free_port()
  }
  run {
    flow = "records.hcl"
    vars = { address = "127.0.0.1:${local.port}", format = "json_stream" }
    ready {
      port = local.port
    }
  }
  peer "fluent" {
    connect = "ws://127.0.0.1:${local.port}/"
    dial {
      headers = { Content-Length = "0" }
    }
    send {
      type = "text"
      text = "{\"date\":1795227184.60552,\"a\":1}{\"date\":1795227185.5,\"a\":2}"
    }
    ping {}
    cut {}
    dial {
      tcp = true
    }
    raw {
      hex = "818700000000 7b2261223a337d"
    }
    cut {
      how = "end"
    }
    signal "done" {}
  }
  interrupt "end" {
    await = "done"
    ready {
      log = "a connection without a handshake is taken"
    }
  }
  expect {
    stdout {
      contains = ["\"a\":1", "\"a\":2", "\"a\":3"]
      matches  = ["^{\"date\":1795\\d{6}\\.605\\d*,\"a\":1}$"]
      count    = 3
    }
  }
}

test "json_lines" {
  tags = ["ws", "codecs"]
  locals {
    port = free_port()
  }
  run {
    flow = "records.hcl"
    vars = { address = "127.0.0.1:${local.port}", format = "json_lines" }
    ready {
      port = local.port
    }
  }
  peer "fluent" {
    connect = "ws://127.0.0.1:${local.port}/"
    dial {
      headers = { Content-Length = "0" }
    }
    send {
      type = "text"
      text = "{\"date\":1795227184.60552,\"a\":1}\n{\"date\":1795227185.5,\"a\":2}\n"
    }
    ping {}
    cut {}
    dial {
      tcp = true
    }
    raw {
      hex = "818800000000 7b2261223a337d0a"
    }
    cut {
      how = "end"
    }
    signal "done" {}
  }
  interrupt "end" {
    await = "done"
    ready {
      log = "a connection without a handshake is taken"
    }
  }
  expect {
    stdout {
      contains = ["\"a\":1", "\"a\":2", "\"a\":3"]
      matches  = ["^{\"date\":1795\\d{6}\\.605\\d*,\"a\":1}$"]
      count    = 3
    }
  }
}

test "gelf" {
  tags = ["ws", "codecs"]
  locals {
    port = free_port()
  }
  run {
    flow = "records.hcl"
    vars = { address = "127.0.0.1:${local.port}", format = "gelf" }
    ready {
      port = local.port
    }
  }
  peer "fluent" {
    connect = "ws://127.0.0.1:${local.port}/"
    dial {
      headers = { Content-Length = "0" }
    }
    send {
      text = "{\"version\":\"1.1\",\"short_message\":\"hello\",\"host\":\"h\",\"timestamp\":1795227184.605,\"_a\":1}"
    }
    ping {}
    cut {}
    signal "done" {}
  }
  interrupt "end" {
    await = "done"
  }
  expect {
    stdout {
      contains = ["\"short_message\":\"hello\""]
      count    = 1
    }
  }
}
