test "and_the_connection_ends_with_the_token" {
  tags = ["ws", "access"]
  locals {
    port   = free_port()
    secret = "a secret that is shared with who signs tokens"
  }
  before "server" {
    flow = "flow.hcl"
    args = ["--log-level", "debug"]
    vars = { url = "127.0.0.1:${local.port}", secret = local.secret }
    ready {
      port = local.port
    }
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}/?a=1"
    headers = { Authorization = "Bearer ${[for t in ["${replace(replace(replace(base64encode(jsonencode({ alg = "HS256" })), "+", "-"), "/", "_"), "=", "")}.${replace(replace(replace(base64encode(jsonencode({ iss = "id.example.org", aud = ["live", "other"], sub = "alice", role = "admin", exp = epoch() + 600 })), "+", "-"), "/", "_"), "=", "")}"] : "${t}.${replace(replace(replace(base64encode(bytes(hexdecode(hmac_sha256(local.secret, t)))), "+", "-"), "/", "_"), "=", "")}"][0]}" }
    send {
      json = 1
    }
    expect {
      json = { who = "alice", query = { a = "1" } }
    }
    close {}
  }
  peer "query" {
    connect = "ws://127.0.0.1:${local.port}"
    path    = "/?a=1&access_token=${[for t in ["${replace(replace(replace(base64encode(jsonencode({ alg = "HS256" })), "+", "-"), "/", "_"), "=", "")}.${replace(replace(replace(base64encode(jsonencode({ iss = "id.example.org", aud = ["live", "other"], sub = "alice", role = "admin", exp = epoch() + 600 })), "+", "-"), "/", "_"), "=", "")}"] : "${t}.${replace(replace(replace(base64encode(bytes(hexdecode(hmac_sha256(local.secret, t)))), "+", "-"), "/", "_"), "=", "")}"][0]}"
    send {
      json = 1
    }
    expect {
      json = { who = "alice", query = { a = "1" } }
    }
    close {}
  }
  peer "for_a_moment" {
    connect = "ws://127.0.0.1:${local.port}"
    headers = { Authorization = "Bearer ${[for t in ["${replace(replace(replace(base64encode(jsonencode({ alg = "HS256" })), "+", "-"), "/", "_"), "=", "")}.${replace(replace(replace(base64encode(jsonencode({ iss = "id.example.org", aud = ["live", "other"], sub = "alice", role = "admin", exp = epoch() + 8 })), "+", "-"), "/", "_"), "=", "")}"] : "${t}.${replace(replace(replace(base64encode(bytes(hexdecode(hmac_sha256(local.secret, t)))), "+", "-"), "/", "_"), "=", "")}"][0]}" }
    send {
      json = 1
    }
    expect {
      json = { who = "alice", query = {} }
    }
    expect_close {
      code   = 1008
      reason = "^token expired$"
      within = "60s"
    }
  }
  peer "mallory" {
    connect = "ws://127.0.0.1:${local.port}"
    dial {
      headers = { Authorization = "Bearer ${[for t in ["${replace(replace(replace(base64encode(jsonencode({ alg = "HS256" })), "+", "-"), "/", "_"), "=", "")}.${replace(replace(replace(base64encode(jsonencode({ iss = "id.example.org", aud = ["live", "other"], sub = "alice", role = "admin", exp = epoch() + -5 })), "+", "-"), "/", "_"), "=", "")}"] : "${t}.${replace(replace(replace(base64encode(bytes(hexdecode(hmac_sha256(local.secret, t)))), "+", "-"), "/", "_"), "=", "")}"][0]}" }
      status  = 401
      where   = jsondecode(event.body).error == "token_expired"
    }
    dial {
      headers = { Authorization = "Bearer ${[for t in ["${replace(replace(replace(base64encode(jsonencode({ alg = "HS256" })), "+", "-"), "/", "_"), "=", "")}.${replace(replace(replace(base64encode(jsonencode({ iss = "id.example.org", aud = "other", exp = epoch() + 600 })), "+", "-"), "/", "_"), "=", "")}"] : "${t}.${replace(replace(replace(base64encode(bytes(hexdecode(hmac_sha256(local.secret, t)))), "+", "-"), "/", "_"), "=", "")}"][0]}" }
      status  = 401
      where   = jsondecode(event.body).error == "credentials_invalid"
    }
    dial {
      headers = { Authorization = "Bearer ${[for t in ["${replace(replace(replace(base64encode(jsonencode({ alg = "HS256" })), "+", "-"), "/", "_"), "=", "")}.${replace(replace(replace(base64encode(jsonencode({ iss = "id.example.com", aud = "live", exp = epoch() + 600 })), "+", "-"), "/", "_"), "=", "")}"] : "${t}.${replace(replace(replace(base64encode(bytes(hexdecode(hmac_sha256(local.secret, t)))), "+", "-"), "/", "_"), "=", "")}"][0]}" }
      status  = 401
      where   = jsondecode(event.body).error == "credentials_invalid"
    }
    dial {
      headers = { Authorization = "Bearer ${[for t in ["${replace(replace(replace(base64encode(jsonencode({ alg = "HS256" })), "+", "-"), "/", "_"), "=", "")}.${replace(replace(replace(base64encode(jsonencode({ iss = "id.example.org", aud = "live" })), "+", "-"), "/", "_"), "=", "")}"] : "${t}.${replace(replace(replace(base64encode(bytes(hexdecode(hmac_sha256(local.secret, t)))), "+", "-"), "/", "_"), "=", "")}"][0]}" }
      status  = 401
      where   = jsondecode(event.body).error == "credentials_invalid"
    }
    dial {
      headers = { Authorization = "Bearer ${[for t in ["${replace(replace(replace(base64encode(jsonencode({ alg = "HS256" })), "+", "-"), "/", "_"), "=", "")}.${replace(replace(replace(base64encode(jsonencode({ iss = "id.example.org", aud = ["live", "other"], sub = "alice", role = "admin", exp = epoch() + 600 })), "+", "-"), "/", "_"), "=", "")}"] : "${t}.${replace(replace(replace(base64encode(bytes(hexdecode(hmac_sha256("something else", t)))), "+", "-"), "/", "_"), "=", "")}"][0]}" }
      status  = 401
      where   = jsondecode(event.body).error == "credentials_invalid"
    }
    dial {
      headers = { Authorization = "Bearer ${[for t in ["${replace(replace(replace(base64encode(jsonencode({ alg = "none" })), "+", "-"), "/", "_"), "=", "")}.${replace(replace(replace(base64encode(jsonencode({ iss = "id.example.org", aud = ["live", "other"], sub = "alice", role = "admin", exp = epoch() + 600 })), "+", "-"), "/", "_"), "=", "")}"] : "${t}.${replace(replace(replace(base64encode(bytes(hexdecode(hmac_sha256(local.secret, t)))), "+", "-"), "/", "_"), "=", "")}"][0]}" }
      status  = 401
      where   = jsondecode(event.body).error == "credentials_invalid"
    }
    dial {
      status = 401
      where  = event.headers["www-authenticate"] == "Bearer"
    }
  }
  expect {
    process "server" {
      exit_code = 0
      stderr {
        contains = [
          "who a client was holds no longer, the connection is closed with 1008",
          "\"reason\":\"token expired\"",
          "handshake refused: the token has expired",
          "handshake refused: the token is for another audience",
          "handshake refused: the token is by another issuer",
          "handshake refused: the token lacks a claim that is asked for",
          "handshake refused: the token's signature is wrong",
          "handshake refused: there is no token",
          "\"code\":\"token_expired\"",
        ]
        absent = ["eyJ", "is shared with"]
      }
    }
  }
}
