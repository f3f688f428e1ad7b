variable "address" {
  type = string
}

variable "behind" {
  type = string
}

connector "ws_server" "clients" {
  url   = var.address
  codec = "json"
}

connector "http_client" "known" {
  url   = "https://ada:hush-password@${var.behind}"
  codec = "json"
  tls {
    cafile = "server.cert"
    cert   = "client.cert"
    key    = "client.key"
  }
}

connector "http_client" "unknown" {
  url   = "https://ada:hush-password@${var.behind}"
  codec = "json"
  retry {
    max_retries = 1
  }
}

connect "ask" {
  from = connector.clients
  to   = connector.known
}

connect "answer" {
  from = connector.known
  to   = connector.clients
}

connect "fail" {
  from  = connector.clients
  where = event.fail == true
  to    = connector.unknown
}

pipeline "why" {
  map "why" {
    event = { why = event.error.message }
  }
}

connect "why" {
  from = connector.unknown.err
  via  = [pipeline.why]
  to   = connector.clients
}
