variable "address" {
  type = string
}

connector "http_server" "behind" {
  url     = "http://${var.address}/{path...}"
  codec   = "json"
  routes  = ["GET|POST|PUT|DELETE"]
  headers = { etag = "\"e\"" }
}

pipeline "answer" {
  map "answer" {
    event = {
      method = meta.http_server.request.method
      path   = peer.params.path
      query  = peer.query
      type   = peer.headers["content-type"]
      event  = event
      huge   = peer.query.huge == null ? null : join("", [for i in range(1024) : "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"])
    }
    meta = {
      http_server = { status = peer.query.status == null ? 200 : parseint(peer.query.status, 10) }
    }
  }
}

connect "answer" {
  from = connector.behind
  via  = [pipeline.answer]
  to   = connector.behind
}
