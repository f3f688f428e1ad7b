test "with_429_and_503" {
  tags = ["ws", "access", "limits"]
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
  peer "two" {
    connect = "ws://127.0.0.1:${local.port}"
    count   = 2
    headers = { Authorization = "a", X-Forwarded-For = "2001:db8::${index + 1}" }
    dial {}
    signal "two" {}
    await "refused" {}
    close {}
  }
  peer "third" {
    connect = "ws://127.0.0.1:${local.port}"
    headers = { Authorization = "a", X-Forwarded-For = "192.0.2.1" }
    await "two" {
      count = 2
    }
    dial { # the same /64
      headers = { Authorization = "b", X-Forwarded-For = "2001:db8::ffff:1" }
      status  = 429
      where   = event.headers["retry-after"] == "5" && event.body == "{\"error\":\"too_many_connections_from_address\",\"message\":\"there are too many connections from your address\"}\n"
    }
    dial {}
    signal "third" {}
    await "refused" {}
    close {}
  }
  peer "fourth" {
    connect = "ws://127.0.0.1:${local.port}"
    headers = { Authorization = "b", X-Forwarded-For = "192.0.2.2" }
    await "third" {}
    dial {
      headers = { Authorization = "a" }
      status  = 429
      where   = event.headers["retry-after"] == "5" && jsondecode(event.body).error == "too_many_connections_of_identity"
    }
    dial {}
    signal "fourth" {}
    await "refused" {}
    close {}
  }
  peer "fifth" {
    connect = "ws://127.0.0.1:${local.port}"
    headers = { Authorization = "c", X-Forwarded-For = "192.0.2.3" }
    await "fourth" {}
    dial {
      status = 503
      where  = event.headers["retry-after"] == "5" && event.body == "{\"error\":\"too_many_connections\",\"message\":\"there are too many connections\"}\n"
    }
    signal "refused" {}
  }
  expect {
    process "server" {
      exit_code = 0
      stderr {
        contains = [
          "handshake refused: max_connections is reached",
          "handshake refused: max_connections_per_ip is reached",
          "handshake refused: max_connections_per_identity is reached",
          "\"client\":\"192.0.2.3:0\",\"status\":503,\"code\":\"too_many_connections\"",
        ]
      }
    }
  }
}
