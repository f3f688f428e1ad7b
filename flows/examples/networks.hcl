# Live events of networks, for dashboards: a page connects to /networks/home/events and
# hears what happens there, in an envelope of type, timestamp and data. Those who know
# what happens connect to /report, with the same token.
#
#   flowrun server run --var token=T flows/examples/networks.hcl
#   flowrun dial 'ws://127.0.0.1:4242/networks/home/events?token=T'
#   echo '{"network": "home", "type": "peer.joined", "data": {"name": "a"}}' |
#     flowrun dial --header 'Authorization: Bearer T' ws://127.0.0.1:4242/report

variable "url" {
  type        = string
  default     = "ws://127.0.0.1:4242"
  description = "scheme, host and port to listen on"
}

variable "token" {
  type        = string
  sensitive   = true
  default     = "to try it out: choose another one"
  description = "what clients show, in a header or in the query"
}

connector "ws_server" "events" {
  url     = "${var.url}/networks/{network}/events"
  codec   = "string"                             # what clients say is not looked at
  origins = ["self", "https://dash.example.org"] # pages that may connect

  auth "token" {
    from   = ["header", "query:token"] # a header wins, even a wrong one
    tokens = [var.token]
  }
  limits {
    max_connections     = 100
    messages_per_second = 5
  }

  ping {
    interval = "20s"
  }
  app_ping {} # pages cannot send pings: a text "ping" is answered "pong"
  idle_timeout = "60s"

  queue { # who does not read is disconnected; nobody waits
    max_events    = 256
    write_timeout = "5s"
  }
  topics {
    initial = peer.params.network
    history {
      size = 10
      age  = "5m"
    }
  }
}

connector "ws_server" "report" {
  url   = "${var.url}/report"
  codec = "json"
  auth "token" {
    tokens = [var.token]
  }
}

pipeline "envelope" {
  map "envelope" {
    event = jsonencode({ type = event.type, timestamp = timestamp(), data = event.data })
    meta  = { network = event.network }
  }
}

connect "events" {
  from    = connector.report
  where   = event.network != null && event.type != null
  via     = [pipeline.envelope]
  to      = connector.events
  deliver = "topic"
  topic   = meta.network
}
