# A WebSocket for an HTTP API: who is connected asks with {"id": 1, "get": "users/7"}, and
# is answered with {"id": 1, "status": 200, "body": …}, whatever else is asked meanwhile.
#
#   flowrun server run --var api=https://api.example.org/v1 flows/examples/front.hcl
#   echo '{"id": 1, "get": "users/7"}' | flowrun dial ws://127.0.0.1:4242

variable "address" {
  type        = string
  default     = "127.0.0.1:4242"
  description = "host and port to listen on"
}

variable "api" {
  type        = string
  default     = "http://127.0.0.1:8080"
  description = "URL of the API"
}

variable "token" {
  type        = string
  sensitive   = true
  default     = "none"
  description = "what the API is shown: clients need not know it"
}

connector "ws_server" "clients" {
  url   = var.address
  codec = "json"
}

connector "http_client" "api" {
  url        = "${var.api}/{path...}"
  method     = "GET"
  codec      = "json"
  success_on = ["2xx", "404"]
  timeout    = "5s"
  auth "token" {
    token = var.token
  }
}

pipeline "ask" {
  map "ask" {
    event = null
    meta = {
      http_client = {
        params  = { path = event.get }
        query   = event.query
        context = event.id
      }
    }
  }
}

connect "questions" {
  from = connector.clients
  via  = [pipeline.ask]
  to   = connector.api
}

pipeline "answer" {
  map "answer" {
    event = { id = meta.http_client.context, status = meta.http_client.status, body = event }
  }
}

connect "answers" {
  from = connector.api
  via  = [pipeline.answer]
  to   = connector.clients
}

# What could not be asked, or was answered in some other way. The error names neither
# the token nor the query.
pipeline "sorry" {
  map "sorry" {
    event = { error = event.error.message }
  }
}

connect "problems" {
  from = connector.api.err
  via  = [pipeline.sorry]
  to   = connector.clients
}
