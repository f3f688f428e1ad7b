# An API of live events, declared: what happens to this process, its log, and who is in
# which network, for dashboards and programs that know such APIs. An envelope {type,
# timestamp, data}, a token in a header or in the query, and a text "ping" that is
# answered "pong".
#
#   flowrun server run --var token=T flows/examples/events_api.hcl
#   flowrun dial 'ws://127.0.0.1:4242/api/v1/ws?token=T'
#   flowrun dial 'ws://127.0.0.1:4242/api/v1/mesh/networks/home/events?token=T'
#   curl -N 'http://127.0.0.1:4242/api/v1/logs/stream?token=T'
#   echo '{"endpoints": [{"address": "192.168.1.9", "port": 51820, "type": "lan"}]}' |
#     flowrun dial 'ws://127.0.0.1:4242/join/home?name=laptop&token=T'
#
# The admin API (flowrun server run --admin) has such events of its own; this one is on
# the traffic port, and says what you let it say.

variable "address" {
  type        = string
  default     = "127.0.0.1:4242"
  description = "host and port to listen on"
}

variable "token" {
  type        = string
  sensitive   = true
  default     = "to try it out: choose another one"
  description = "what clients show, in a header or in the query"
}

# What happens to the process: connections of /join, reloads, counters.

connector "events" "process" {
}

connector "ws_server" "events" {
  url   = "ws://${var.address}/api/v1/ws"
  codec = "json"
  auth "token" {
    from   = ["header", "query:token"] # a header wins, even a wrong one
    tokens = [var.token]
  }
  limits {
    max_connections = 100
  }
  ping {
    interval = "20s"
  }
  app_ping {} # pages cannot send pings
  idle_timeout    = "60s"
  on_decode_error = "drop" # what else clients say is not looked at
  queue {                  # who does not read is disconnected; nobody waits
    max_events    = 256
    write_timeout = "5s"
  }
}

connect "events" {
  from    = connector.process
  to      = connector.events
  deliver = "broadcast"
}

# The log, as Server-Sent Events.

connector "logs" "journal" {
}

connector "http_server" "logs" {
  url              = "http://${var.address}/api/v1/logs/stream"
  codec            = "json"
  lifecycle_events = true # for the first event of every stream
  auth "token" {
    from   = ["header", "query:token"] # an EventSource cannot send headers
    tokens = [var.token]
  }
  limits {
    max_connections = 100
  }
  sse {
    heartbeat = "15s"
  }
  queue {
    max_events = 100
    overflow   = "drop_newest"
  }
}

pipeline "connected" {
  map "connected" {
    event = { type = "connected" }
  }
}

connect "connected" {
  from  = connector.logs
  where = meta.http_server.event == "open"
  via   = [pipeline.connected]
  to    = connector.logs
}

connect "log" {
  from    = connector.journal
  to      = connector.logs
  deliver = "broadcast"
}

# Who is in which network: whoever is connected to /join/NETWORK, and where they say
# that they can be reached.

connector "ws_server" "members" {
  url              = "ws://${var.address}/join/{networkID}"
  codec            = "json"
  lifecycle_events = true
  auth "token" {
    from   = ["header", "query:token"]
    tokens = [var.token]
  }
}

connector "ws_server" "mesh" {
  url   = "ws://${var.address}/api/v1/mesh/networks/{networkID}/events"
  codec = "json"
  auth "token" {
    from   = ["header", "query:token"]
    tokens = [var.token]
  }
  ping {
    interval = "20s"
  }
  app_ping {}
  on_decode_error = "drop"
  topics {
    initial = peer.params.networkID # the path chooses what is told
  }
}

pipeline "membership" {
  map "data" { # what is told of each kind of event
    event = (
      meta.ws_server.event == "open" ? { type = "peer.joined", data = { peer_id = peer.id, name = peer.query.name, virtual_ip = peer.host } } :
      meta.ws_server.event == "close" ? { type = "peer.left", data = { peer_id = peer.id, name = peer.query.name } } :
      { type = "peer.updated", data = { peer_id = peer.id, endpoints = event.endpoints } }
    )
  }
  map "envelope" {
    event = { type = event.type, timestamp = timestamp(), data = event.data }
  }
}

connect "membership" {
  from    = connector.members
  via     = [pipeline.membership]
  to      = connector.mesh
  deliver = "topic"
  topic   = peer.params.networkID
}
