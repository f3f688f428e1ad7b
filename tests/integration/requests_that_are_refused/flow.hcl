variable "address" {
  type = string
}

connector "http_server" "hook" {
  url          = "http://${var.address}/hook"
  routes       = ["POST"]
  codec        = "json"
  accept       = ["application/json"]
  body_timeout = "300ms"
  auth "token" {
    tokens = ["let-me-in"]
  }
  limits {
    max_connections_per_ip = 1
  }
}

connector "http_server" "slow" {
  url           = "http://${var.address}/slow"
  codec         = "json"
  reply_timeout = "100ms"
  origins       = ["https://app.example"]
}

pipeline "nothing" {
  filter "nothing" {
    where = false
  }
}

connect "nothing" {
  from = connector.slow
  via  = [pipeline.nothing]
  to   = connector.slow
}

connector "null" "taken" {}

connect "taken" {
  from = connector.hook
  to   = connector.taken
}
