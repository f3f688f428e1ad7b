# Updates of routes, for those who have a key: each hears of the prefixes that belong to
# it, and of others that it asks for. One client per key.
#
#   flowrun server run --var feed=ws://127.0.0.1:9000/ flows/examples/prefixes.hcl
#   flowrun dial 'ws://127.0.0.1:4242/?api_key=key-of-ada'
#
# Who is turned away sees no status, but is connected, told why, and cut off: that is
# what the clients of this service understand. {"add": ["192.0.2.0/24"]} and
# {"drop": "192.0.2.0/24"} change what a client hears.

variable "url" {
  type        = string
  default     = "127.0.0.1:4242"
  description = "where clients connect"
}

variable "feed" {
  type        = string
  default     = "ws://127.0.0.1:9000/"
  description = "where updates come from"
}

connector "ws_client" "feed" {
  url   = var.feed
  codec = "json"
}

connector "ws_server" "live" {
  url     = var.url
  codec   = "json"
  origins = ["*"] # it is the key that counts

  auth "token" { # many keys stand in a file: hashes_file
    from = ["query:api_key"]
    hashes = {
      (sha256("key-of-ada")) = { sub = "ada", prefixes = ["192.0.2.0/24", "2001:db8::/32"] }
      (sha256("key-of-bob")) = { sub = "bob" }
    }
  }
  sessions {
    key = peer.claims.sub
  }
  topics {
    initial            = peer.claims.prefixes
    subscribe          = event.add
    unsubscribe        = event.drop
    match              = "cidr" # an update touches a prefix that contains it, or that it contains
    max_per_connection = 10
  }

  reject = "message"
  reject_message = jsonencode({
    error = error == "duplicate_session" ? "another client is already connected with the same API key" : "unknown API key"
  })
  reject_close = "abort"
}

pipeline "record" {
  map "record" { # a withdrawal has no prefixes
    event = merge(omit(event, "announced", "withdrawn"), event.announced == null ? {} : { prefixes = join(",", event.announced) })
    meta  = { touches = concat(coalesce(event.announced, []), coalesce(event.withdrawn, [])) }
  }
}

connect "updates" {
  from    = connector.feed
  where   = event.record_type == "update"
  via     = [pipeline.record]
  to      = connector.live
  deliver = "topic"
  topic   = meta.touches
}

# A key that is revoked: its client gets a last message, and is cut off.
pipeline "revoke" {
  map "last" {
    event = { error = "this API key has been revoked" }
    meta  = { whose = event.key_of, ws_server = { close = { abort = true } } }
  }
}

connect "revoke" {
  from     = connector.feed
  where    = event.record_type == "revoked"
  via      = [pipeline.revoke]
  to       = connector.live
  deliver  = "identity"
  identity = meta.whose
}

# What is no JSON, no prefix, or one too many is told to who sent it.
pipeline "sorry" {
  map "sorry" {
    event = { error = event.error.message }
  }
}

connect "sorry" {
  from = connector.live.err
  via  = [pipeline.sorry]
  to   = connector.live
}
