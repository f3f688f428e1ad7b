# Fluent Bit's bytes, as its sources write them: the header fields in its order, with
# two named Connection, the mask that is always the same, and header and body of a frame
# in writes of their own.

test "websocket_output" {
  tags = ["ws", "codecs"]
  locals {
    port = free_port()
  }
  run {
    flow = "ingest.hcl"
    vars = { address = "127.0.0.1:${local.port}" }
    ready {
      port = local.port
    }
  }
  peer "fluent" {
    connect = "ws://127.0.0.1:${local.port}/ws"
    dial {
      tcp = true
    }
    raw {
      text = "GET /ws HTTP/1.1\r\nHost: 127.0.0.1:${local.port}\r\nContent-Length: 0\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nConnection: keep-alive\r\n\r\n"
    }
    # It looks for the status behind "HTTP/1.1 ", and for the empty line.
    expect_raw {
      matches = "(?is)^HTTP/1\\.1 101 .*\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\\+xOo=\r\n.*\r\n\r\n$"
    }
    raw {
      hex = "818c12345678"
    }
    raw {
      hex = "494f7413300e740e30490b72" # [{"k":"v"}] and a line break, under this mask
    }
    raw {
      hex = "8980 00000000" # a ping, for this test to know that the frame has been read
    }
    expect_raw {
      matches = "(?s)\r\n\r\n.\\x00$"
    }
    cut {
      how = "end"
    }
    signal "done" {}
  }
  interrupt "end" {
    await = "done"
  }
  expect {
    stdout {
      events = [{ k = "v" }]
    }
  }
}

# The same records twice: by compress gzip, and plain by the same connection.
test "http_output" {
  tags = ["http", "codecs"]
  locals {
    port  = free_port()
    heads = "POST /http HTTP/1.1\r\nHost: 127.0.0.1:${local.port}\r\nContent-Length: 61\r\nContent-Type: application/json\r\n"
    tail  = "User-Agent: Fluent-Bit\r\nConnection: keep-alive\r\n\r\n"
  }
  run {
    flow = "ingest.hcl"
    vars = { address = "127.0.0.1:${local.port}" }
    ready {
      port = local.port
    }
  }
  peer "fluent" {
    connect = "ws://127.0.0.1:${local.port}/http"
    dial {
      tcp = true
    }
    raw {
      text = "${local.heads}Content-Encoding: gzip\r\n${local.tail}"
    }
    raw {
      hex = "1f8b08000000000002038bae564a492c4955b23234b73435323237b430d13333303535d2514a040ad6ea60c89bea9982e58c6a630141d73da53d000000"
    }
    # It takes 200 to 205 for a success, and "Content-Length: " in this spelling.
    expect_raw {
      matches = "(?s)^HTTP/1\\.1 200 OK\r\n.*Content-Length: 0\r\n\r\n$"
    }
    raw {
      text = "${local.heads}${local.tail}[{\"date\":1795227184.60552,\"a\":1},{\"date\":1795227185.5,\"a\":2}]"
    }
    expect_raw {
      matches = "(?s)^HTTP/1\\.1 200 OK\r\n.*Content-Length: 0\r\n\r\n.*HTTP/1\\.1 200 OK\r\n.*Content-Length: 0\r\n\r\n$"
    }
    # A client that compresses in a way that is not known, is told which are.
    raw {
      text = "${local.heads}Content-Encoding: snappy\r\n${local.tail}"
    }
    expect_raw {
      matches = "(?s)HTTP/1\\.1 415 Unsupported Media Type\r\n.*Accept-Encoding: gzip, zstd\r\n.*unsupported_content_encoding"
    }
    cut {
      how = "end"
    }
    signal "done" {}
  }
  interrupt "end" {
    await = "done"
  }
  expect {
    stdout {
      events = [
        { date = 1795227184.60552, a = 1 }, { date = 1795227185.5, a = 2 },
        { date = 1795227184.60552, a = 1 }, { date = 1795227185.5, a = 2 },
      ]
    }
  }
}

# Fluent Bit's http input: it takes application/json and no other type, and answers 201,
# with a blank behind the reason in version 2.
test "http_input" {
  tags = ["http"]
  locals {
    port  = free_port()
    asked = "POST /app\\.log HTTP/1\\.1\r\nHost: 127\\.0\\.0\\.1:${local.port}\r\n"
  }
  peer "fluent" {
    listen = "127.0.0.1:${local.port}"
    accept {
      tcp = true
    }
    expect_raw {
      matches = "(?s)^${local.asked}.*\r\nContent-Length: 7\r\nContent-Type: application/json\r\n.*\r\n\r\n{\"n\":1}$"
    }
    raw {
      text = "HTTP/1.1 201 Created \r\nServer: Fluent Bit v2.1.0\r\nContent-Length: 0\r\n\r\n"
    }
  }
  run {
    flow  = "push.hcl"
    vars  = { url = "http://127.0.0.1:${local.port}/app.log" }
    stdin = "{\"n\":1}\n"
  }
  expect {
    exit_code = 0
    stderr {
      absent = ["was not handled"]
    }
  }
}
