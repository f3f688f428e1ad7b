# Prices by symbol, for those who ask for them, and words for one user alone.
#
#   flowrun server run flows/examples/topics.hcl
#   flowrun dial 'ws://127.0.0.1:4242/?user=alice&topics=btc.eur'
#
# A client subscribes with {"subscribe": "btc.*"} and gets the last prices first, then
# the answer, then what comes. {"price": 1, "symbol": "btc.eur"} publishes a price, and
# {"text": "hello", "to": "bob"} goes to the connections of bob.

variable "url" {
  type        = string
  default     = "127.0.0.1:4242"
  description = "where clients connect"
}

connector "ws_server" "edge" {
  url   = var.url
  codec = "json"

  topics {
    initial     = peer.query.topics == null ? null : split(",", peer.query.topics)
    subscribe   = event.subscribe
    unsubscribe = event.unsubscribe
    allow       = !startswith(topic, "internal.")
    match       = "glob"
    history {
      size = 10
      age  = "1h"
    }
  }

  sessions {
    key         = peer.query.user # of a service that faces strangers: peer.claims.sub
    max_per_key = 3
    on_conflict = "replace"
  }
}

pipeline "answer" {
  filter "asked" {
    where = event.subscribe != null || event.unsubscribe != null
  }
  map "answer" {
    event = { subscribed = event.subscribe, unsubscribed = event.unsubscribe }
  }
}

connect "answer" {
  from = connector.edge
  via  = [pipeline.answer]
  to   = connector.edge
}

connect "prices" {
  from    = connector.edge
  where   = event.price != null
  to      = connector.edge
  deliver = "topic"
  topic   = event.symbol
}

connect "words" {
  from         = connector.edge
  where        = event.text != null
  to           = connector.edge
  deliver      = "identity"
  identity     = event.to
  on_lost_peer = "err"
}

# Refused subscriptions, words for who is not there: back to who asked.
pipeline "sorry" {
  map "sorry" {
    event = { error = event.error.message }
  }
}

connect "sorry" {
  from = connector.edge.err
  via  = [pipeline.sorry]
  to   = connector.edge
}
