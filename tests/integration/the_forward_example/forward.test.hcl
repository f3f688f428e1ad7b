# What forward.hcl does, with a server that behaves as those of Fluent Bit's users do: it
# takes one frame at a time, in text or binary, and says nothing. The records come as the
# page sends them, one of them in pieces, with a broken one between them.

# A frame holds records of Fluent Bit, one behind the other.
test "msgpack" {
  tags = ["tcp", "ws", "codecs"]
  locals {
    port = free_port()
    up   = free_port()
  }
  before "server" {
    flow = "forward.hcl"
    vars = { address = "127.0.0.1:${local.port}", url = "ws://127.0.0.1:${local.up}/", format = "msgpack", wait = "4s" }
    ready {
      port = local.port
    }
  }
  peer "server" {
    listen = "127.0.0.1:${local.up}"
    accept {}
    signal "there" {}
    expect {
      type  = "binary"
      where = length(regexall("^(9292d700[0-9a-f]{16}8082a56b65792031ce075bcd15a56b65792032a761626364656667){2}$", hexencode(event))) == 1
    }
    signal "heard" {}
    expect_close {}
  }
  peer "netcat" {
    connect = "ws://127.0.0.1:${local.port}"
    await "there" {}
    dial {
      tcp = true
    }
    raw {
      text = "{\"key 1\": 123456789, \"key 2\": \"abcdefg\"}\n{\"key 1\": oops}\n{\"key 1\""
    }
    raw {
      text = ": 123456789, \"key 2\": \"abcdefg\"}"
    }
    await "heard" {}
    cut {
      how = "end"
    }
    signal "done" {}
  }
  interrupt "end" {
    to    = "server"
    await = "done"
  }
}

# A frame holds a list of records, each with the time at which it came.
test "json" {
  tags = ["tcp", "ws", "codecs"]
  locals {
    port = free_port()
    up   = free_port()
  }
  before "server" {
    flow = "forward.hcl"
    vars = { address = "127.0.0.1:${local.port}", url = "ws://127.0.0.1:${local.up}/", format = "json", wait = "4s" }
    ready {
      port = local.port
    }
  }
  peer "server" {
    listen = "127.0.0.1:${local.up}"
    accept {}
    signal "there" {}
    expect {
      type  = "text"
      where = length(event) == 2 && event[0].date > 1700000000.0 && event[1].date - event[0].date > 0.04 && omit(event[1], "date") == { "key 1" = 123456789, "key 2" = "abcdefg" }
    }
    signal "heard" {}
    expect_close {}
  }
  peer "netcat" {
    connect = "ws://127.0.0.1:${local.port}"
    await "there" {}
    dial {
      tcp = true
    }
    raw {
      text = "{\"key 1\": 123456789, \"key 2\": \"abcdefg\"}\n{\"key 1\": oops}\n{\"key 1\""
    }
    await "refused" {} # so that the record before it has its time
    pause {
      for = "50ms"
    }
    raw {
      text = ": 123456789, \"key 2\": \"abcdefg\"}"
    }
    await "heard" {}
    cut {
      how = "end"
    }
    signal "done" {}
  }
  interrupt "refused" {
    to     = "server"
    await  = "there"
    signal = "none"
    ready {
      log = "a value is expected"
    }
  }
  interrupt "end" {
    to    = "server"
    await = "done"
  }
}

# A frame holds objects, with nothing between them.
test "json_stream" {
  tags = ["tcp", "ws", "codecs"]
  locals {
    port = free_port()
    up   = free_port()
  }
  before "server" {
    flow = "forward.hcl"
    vars = { address = "127.0.0.1:${local.port}", url = "ws://127.0.0.1:${local.up}/", format = "json_stream", wait = "4s" }
    ready {
      port = local.port
    }
  }
  peer "server" {
    listen = "127.0.0.1:${local.up}"
    accept {}
    signal "there" {}
    expect {
      matches = "^({\"date\":\"\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{6}Z\",\"key 1\": 123456789, \"key 2\": \"abcdefg\"}){2}$"
    }
    signal "heard" {}
    expect_close {}
  }
  peer "netcat" {
    connect = "ws://127.0.0.1:${local.port}"
    await "there" {}
    dial {
      tcp = true
    }
    raw {
      text = "{\"key 1\": 123456789, \"key 2\": \"abcdefg\"}\n{\"key 1\": oops}\n{\"key 1\""
    }
    raw {
      text = ": 123456789, \"key 2\": \"abcdefg\"}"
    }
    await "heard" {}
    cut {
      how = "end"
    }
    signal "done" {}
  }
  interrupt "end" {
    to    = "server"
    await = "done"
  }
}

# A frame holds lines.
test "json_lines" {
  tags = ["tcp", "ws", "codecs"]
  locals {
    port = free_port()
    up   = free_port()
  }
  before "server" {
    flow = "forward.hcl"
    vars = { address = "127.0.0.1:${local.port}", url = "ws://127.0.0.1:${local.up}/", format = "json_lines", wait = "4s" }
    ready {
      port = local.port
    }
  }
  peer "server" {
    listen = "127.0.0.1:${local.up}"
    accept {}
    signal "there" {}
    expect {
      matches = "^({\"date\":\\d{13},\"key 1\": 123456789, \"key 2\": \"abcdefg\"}\n){2}$"
    }
    signal "heard" {}
    expect_close {}
  }
  peer "netcat" {
    connect = "ws://127.0.0.1:${local.port}"
    await "there" {}
    dial {
      tcp = true
    }
    raw {
      text = "{\"key 1\": 123456789, \"key 2\": \"abcdefg\"}\n{\"key 1\": oops}\n{\"key 1\""
    }
    raw {
      text = ": 123456789, \"key 2\": \"abcdefg\"}"
    }
    await "heard" {}
    cut {
      how = "end"
    }
    signal "done" {}
  }
  interrupt "end" {
    to    = "server"
    await = "done"
  }
}

# Frames hold messages in GELF.
test "gelf" {
  tags = ["tcp", "ws", "codecs"]
  locals {
    port = free_port()
    up   = free_port()
  }
  before "server" {
    flow = "forward.hcl"
    vars = { address = "127.0.0.1:${local.port}", url = "ws://127.0.0.1:${local.up}/", format = "gelf" }
    ready {
      port = local.port
    }
  }
  peer "server" {
    listen = "127.0.0.1:${local.up}"
    accept {}
    signal "there" {}
    expect {
      where = event.version == "1.1" && event.short_message == "abcdefg" && event["_key_1"] == 123456789 && event.timestamp > 1700000000.0
      count = 2
    }
    signal "heard" {}
    expect_close {}
  }
  peer "netcat" {
    connect = "ws://127.0.0.1:${local.port}"
    await "there" {}
    dial {
      tcp = true
    }
    raw {
      text = "{\"key 1\": 123456789, \"log\": \"abcdefg\"}\n{\"key 1\": oops}\n{\"key 1\""
    }
    raw {
      text = ": 123456789, \"log\": \"abcdefg\"}"
    }
    await "heard" {}
    cut {
      how = "end"
    }
    signal "done" {}
  }
  interrupt "end" {
    to    = "server"
    await = "done"
  }
}
