variable "address" {
  type = string
}

variable "behind" {
  type = string
}

connector "http_server" "front" {
  url    = "http://${var.address}/{path...}"
  codec  = "binary"
  routes = ["GET|POST|PUT|DELETE"]
}

connector "http_client" "behind" {
  url           = "http://${var.behind}/{path...}"
  codec         = "binary"
  success_on    = ["2xx", "3xx", "4xx", "5xx"]
  retry_on      = []
  max_redirects = 0
  max_message   = "4MiB"
}

pipeline "ask" {
  map "ask" {
    event = event
    meta = {
      http_client = {
        method  = meta.http_server.request.method
        params  = { path = peer.params.path }
        query   = peer.query
        headers = pick(peer.headers, ["accept", "content-type"])
      }
    }
  }
}

connect "ask" {
  from = connector.front
  via  = [pipeline.ask]
  to   = connector.behind
}

pipeline "answer" {
  map "answer" {
    event = event
    meta = {
      http_server = {
        status  = meta.http_client.status
        headers = pick(peer.headers, ["content-type", "location", "etag"])
      }
    }
  }
}

connect "answer" {
  from = connector.behind
  via  = [pipeline.answer]
  to   = connector.front
}
