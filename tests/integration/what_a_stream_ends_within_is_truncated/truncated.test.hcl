# A message that says how long it is, or where it ends, and of which the rest has not come
# when its stream ends, is cut off: whatever the stream is.
test "over_tcp_in_a_file_and_on_the_console" {
  tags = ["tcp", "bgp"]
  locals {
    port = free_port()
  }
  before "server" {
    flow  = "flow.hcl"
    vars  = { address = "127.0.0.1:${local.port}" }
    stdin = "{\"n\":1} {\"n\":"
    ready {
      port = local.port
    }
  }
  peer "router" {
    connect = "ws://127.0.0.1:${local.port}"
    dial {
      tcp = true
    }
    raw {
      hex = "ffffffffffffffffffffffffffffffff 0013 04"
    }
    expect_raw {
      matches = "\\x04$"
    }
    raw {
      hex = "ffffffffffffffffffffffffffffffff 001b 02 0004 18"
    }
    cut {
      how = "half"
    }
    signal "cut" {}
    expect_close {
      skip = true
    }
    await "told" {}
  }
  # The file and the console may be read later than the router.
  interrupt "told" {
    to     = "server"
    await  = "cut"
    signal = "none"
    ready {
      log = "(?s)(truncated.*){3}"
    }
  }
  expect {
    file "errors.ndjson" {
      events = [
        { at = "connector.router", kind = "truncated", bytes = 22 },
        { at = "connector.console", kind = "truncated", bytes = 5 },
        { at = "connector.lengths", kind = "truncated", bytes = 7 },
      ]
      unordered = true
    }
  }
}
