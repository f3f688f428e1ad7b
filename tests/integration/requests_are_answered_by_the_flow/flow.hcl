variable "address" {
  type = string
}

connector "http_server" "items" {
  url      = "http://${var.address}/items"
  routes   = ["GET /{id}", "PUT|PATCH /{id}"]
  codec    = "json"
  max_body = "100B"
}

pipeline "answer" {
  map "answer" {
    event = { id = peer.params.id, method = meta.http_server.request.method, got = event, lang = peer.headers["accept-language"] }
    meta = {
      http_server = {
        status  = event.status == null ? 201 : event.status
        headers = { "x-route" = meta.http_server.request.route, "set-cookie" = ["a=1", "b=2"] }
      }
    }
  }
}

connect "answer" {
  from = connector.items
  via  = [pipeline.answer]
  to   = connector.items
}

# What cannot be read is answered in words of this flow.
pipeline "sorry" {
  map "sorry" {
    event = { sorry = event.error.kind }
    meta = {
      http_server = { status = 422 }
    }
  }
}

connect "sorry" {
  from = connector.items.err
  via  = [pipeline.sorry]
  to   = connector.items
}

# Many events in one request.
connector "http_server" "bulk" {
  url     = "http://${var.address}/bulk"
  routes  = ["POST"]
  body    = "stream"
  codec   = "json"
  headers = { "content-type" = "application/x-ndjson" }
}

pipeline "double" {
  filter "numbers" {
    where = event.n != null
  }
  map "double" {
    event = { n = event.n * 2 }
  }
}

connect "bulk" {
  from = connector.bulk
  via  = [pipeline.double]
  to   = connector.bulk
}

# A reply that comes later: the sum of what came within a while.
connector "http_server" "sum" {
  url           = "http://${var.address}/sum"
  codec         = "json"
  reply_timeout = "10s"
}

pipeline "sum" {
  window "all" {
    kind     = "tumbling"
    interval = "200ms"
    emit     = { sum = sum(event.n) }
  }
}

connect "sum" {
  from  = connector.sum
  where = event.n != null
  via   = [pipeline.sum]
  to    = connector.sum
}
