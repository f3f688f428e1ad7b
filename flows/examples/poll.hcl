# What a URL has to say, for everybody who listens: it is asked every so often, and what
# is new is sent to all WebSockets.
#
#   flowrun server run --var source=https://example.org/status.json flows/examples/poll.hcl
#   flowrun dial ws://127.0.0.1:4242

variable "address" {
  type        = string
  default     = "127.0.0.1:4242"
  description = "host and port to listen on"
}

variable "source" {
  type        = string
  default     = "http://127.0.0.1:8080/status"
  description = "URL that is asked"
}

variable "every" {
  type    = string
  default = "10s"
}

connector "http_client" "source" {
  url   = var.source
  codec = "json"
  poll {
    interval = var.every
  }
}

connector "ws_server" "listeners" {
  url   = var.address
  codec = "json"
}

connect "news" {
  from    = connector.source
  to      = connector.listeners
  deliver = "broadcast"
}
