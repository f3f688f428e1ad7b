# Members only: who has a key, or a token that our identity service has signed. What a
# member says, all hear, under the name that has been verified and no other.
#
#   flowrun server run flows/examples/members.hcl
#   flowrun dial 'ws://127.0.0.1:4242/room?key=ada-key'

variable "url" {
  type        = string
  default     = "ws://127.0.0.1:4242/room"
  description = "where members connect"
}

variable "secret" {
  type        = string
  sensitive   = true
  default     = "to try it out: choose another one"
  description = "what tokens are signed with"
}

connector "ws_server" "room" {
  url             = var.url
  codec           = "json"
  origins         = ["self", "https://*.example.org"]
  trusted_proxies = ["127.0.0.0/8"] # only these may say who the client is

  auth "token" { # the digests could stand in a file, too: hashes_file
    from = ["header", "query:key"]
    hashes = {
      (sha256("ada-key")) = { sub = "ada", role = "host" }
      (sha256("bob-key")) = { sub = "bob", role = "guest" }
    }
  }
  auth "jwt" {
    secret   = var.secret
    audience = "room"
    from     = ["header", "query:access_token"]
  }

  limits {
    max_connections              = 1000
    max_connections_per_ip       = 20
    max_connections_per_identity = 5
  }
}

pipeline "say" {
  map "signed" {
    event = {
      from = peer.claims.sub
      host = peer.claims.role == "host"
      text = event.text
    }
  }
}

connect "talk" {
  from    = connector.room
  via     = [pipeline.say]
  to      = connector.room
  deliver = "broadcast"
}
