# The tokens are good until the year 2100. They name the keys one and two, of
# which only one is published.
test "and_kept" {
  tags = ["ws", "access"]
  locals {
    port = free_port()
    keys = free_port()
    one  = "eyJhbGciOiJFZERTQSIsImtpZCI6Im9uZSIsInR5cCI6IkpXVCJ9.eyJhdWQiOiJsaXZlIiwiZXhwIjo0MTAyNDQ0ODAwLCJzdWIiOiJhbGljZSJ9.KXsIb1phksexmG9uPjsmCPN67EmxX22tZw0MU-83NXdPUVrISfJvefZfLM9gkcym-y207spGGn3FxV24OJv8DQ"
    two  = "eyJhbGciOiJFZERTQSIsImtpZCI6InR3byIsInR5cCI6IkpXVCJ9.eyJhdWQiOiJsaXZlIiwiZXhwIjo0MTAyNDQ0ODAwLCJzdWIiOiJhbGljZSJ9.VxKxAmwyXhCpY_cIpniWKwfJdSz0MMdiyAOmwuo65b-DnsdFyf84ZXqdIV1yEz6GsMK0Xg3ZUHRDejPoDnv5Dg"
    set  = jsonencode({ "keys" = [{ "kty" = "OKP", "crv" = "Ed25519", "kid" = "one", "use" = "sig", "alg" = "EdDSA", "x" = "RUGEojyB6LCQJtK_yb3mLelTmPb-H78-7zxRWVUWJdo" }] })
  }
  before "server" {
    flow = "flow.hcl"
    vars = { url = "127.0.0.1:${local.port}", keys = "http://127.0.0.1:${local.keys}/jwks.json?secret=hunter2" }
    ready {
      port = local.port
    }
  }
  peer "issuer" {
    listen = "127.0.0.1:${local.keys}"
    signal "listening" {}
    accept {
      tcp = true
    }
    expect_raw {
      matches = "^GET /jwks.json"
    }
    raw {
      text = "HTTP/1.1 200 OK\r\nContent-Length: ${length(local.set)}\r\nConnection: close\r\n\r\n${local.set}"
    }
    cut {
      how = "end"
    }
    accept { # asked again for the key two
      tcp = true
    }
    expect_raw {
      matches = "^GET /jwks.json"
    }
    raw {
      text = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    }
    cut {
      how = "end"
    }
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}"
    await "listening" {}
    pause { # longer than jwks_cooldown
      for = "50ms"
    }
    dial {
      headers = { Authorization = "Bearer ${local.one}" }
    }
    send {
      json = 1
    }
    expect {
      json = "alice"
    }
    close {}
    pause {
      for = "50ms"
    }
    dial {
      headers = { Authorization = "Bearer ${local.two}" }
      status  = 401
      where   = jsondecode(event.body).error == "credentials_invalid"
    }
    dial {
      headers = { Authorization = "Bearer ${local.one}" }
    }
    close {}
  }
  expect {
    process "server" {
      exit_code = 0
      stderr {
        contains = [
          "handshake refused: the token is signed with an unknown key",
          "the keys of jwks_url cannot be fetched, those known stay in use",
          "it answers 500",
        ]
        absent = ["hunter2", "eyJ"]
      }
    }
  }
}

test "or_nobody_is_let_in" {
  tags = ["ws", "access"]
  locals {
    port = free_port()
    keys = free_port()
    one  = "eyJhbGciOiJFZERTQSIsImtpZCI6Im9uZSIsInR5cCI6IkpXVCJ9.eyJhdWQiOiJsaXZlIiwiZXhwIjo0MTAyNDQ0ODAwLCJzdWIiOiJhbGljZSJ9.KXsIb1phksexmG9uPjsmCPN67EmxX22tZw0MU-83NXdPUVrISfJvefZfLM9gkcym-y207spGGn3FxV24OJv8DQ"
  }
  before "server" {
    flow = "flow.hcl"
    vars = { url = "127.0.0.1:${local.port}", keys = "http://127.0.0.1:${local.keys}/jwks.json?secret=hunter2" }
    ready {
      port = local.port
    }
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}"
    dial {
      headers = { Authorization = "Bearer ${local.one}" }
      status  = 503
      where   = event.headers["retry-after"] == "5" && event.body == "{\"error\":\"auth_unavailable\",\"message\":\"tokens cannot be checked at the moment\"}\n"
    }
  }
  expect {
    process "server" {
      exit_code = 0
      stderr {
        contains = ["handshake refused: there are no keys of jwks_url yet", "connection refused"]
        absent   = ["hunter2", "eyJ"]
      }
    }
  }
}
