test "and_to_nobody_else" {
  tags = ["ws", "access", "broadcast"]
  locals {
    port   = free_port()
    feed   = free_port()
    secret = "a secret that is shared with who signs tokens"
  }
  run {
    flow = "flow.hcl"
    vars = {
      url        = "ws://127.0.0.1:${local.port}/live"
      feed       = "ws://127.0.0.1:${local.feed}/v1/ws"
      feed_token = "hunter2"
      secret     = local.secret
    }
    ready {
      port = local.port
    }
  }
  peer "feed" {
    listen = "127.0.0.1:${local.feed}"
    accept {
      where = event.headers.authorization == "Bearer hunter2"
    }
    expect {
      json = { type = "subscribe", data = { host = "rrc00" } }
    }
    await "hears" {
      count = 2
    }
    await "refused" {}
    send {
      json = { type = "pong" }
    }
    send {
      json = { type = "message", data = { timestamp = 1, peer = "192.0.2.1", host = "rrc11" } }
    }
    signal "sent" {}
    await "heard" {
      count = 2
    }
    signal "over" {}
    expect_close {}
  }
  peer "page" {
    connect      = "ws://127.0.0.1:${local.port}/live"
    count        = 2
    subprotocols = ["feed.v1.json"]
    path         = "/live?access_token=${[for t in ["${replace(replace(replace(base64encode(jsonencode({ alg = "HS256" })), "+", "-"), "/", "_"), "=", "")}.${replace(replace(replace(base64encode(jsonencode({ aud = "live", exp = epoch() + 600 })), "+", "-"), "/", "_"), "=", "")}"] : "${t}.${replace(replace(replace(base64encode(bytes(hexdecode(hmac_sha256(local.secret, t)))), "+", "-"), "/", "_"), "=", "")}"][0]}"
    headers      = { Origin = "https://app.example.org", X-Forwarded-For = "198.51.100.7" }
    dial {
      where = event.subprotocol == "feed.v1.json"
    }
    signal "hears" {}
    expect {
      json = { ts = 1, peer = "192.0.2.1", region = "nyc" }
    }
    close {}
    signal "heard" {}
  }
  peer "stranger" {
    connect = "ws://127.0.0.1:${local.port}/live"
    await "hears" {
      count = 2
    }
    dial { # there are two already, from the same address
      path    = "/live?access_token=${[for t in ["${replace(replace(replace(base64encode(jsonencode({ alg = "HS256" })), "+", "-"), "/", "_"), "=", "")}.${replace(replace(replace(base64encode(jsonencode({ aud = "live", exp = epoch() + 600 })), "+", "-"), "/", "_"), "=", "")}"] : "${t}.${replace(replace(replace(base64encode(bytes(hexdecode(hmac_sha256(local.secret, t)))), "+", "-"), "/", "_"), "=", "")}"][0]}"
      headers = { X-Forwarded-For = "198.51.100.7" }
      status  = 429
    }
    dial {
      path    = "/live?access_token=${[for t in ["${replace(replace(replace(base64encode(jsonencode({ alg = "HS256" })), "+", "-"), "/", "_"), "=", "")}.${replace(replace(replace(base64encode(jsonencode({ aud = "live", exp = epoch() + 600 })), "+", "-"), "/", "_"), "=", "")}"] : "${t}.${replace(replace(replace(base64encode(bytes(hexdecode(hmac_sha256(local.secret, t)))), "+", "-"), "/", "_"), "=", "")}"][0]}"
      headers = { Origin = "https://evil.example" }
      status  = 403
    }
    dial {
      headers = { Origin = "https://app.example.org" }
      status  = 401
    }
    signal "refused" {}
  }
  interrupt "run" {
    await = "over"
  }
  expect {
    exit_code = 0
    stderr {
      contains = [
        "handshake refused: max_connections_per_ip is reached",
        "handshake refused: the origin is not one of origins",
        "handshake refused: there is no token",
      ]
      absent = ["hunter2", "is shared with", "eyJ"]
    }
  }
}
