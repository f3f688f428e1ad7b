# What Fluent Bit's outputs talk to: its websocket output at /ws, its http output at /http.
variable "address" {
  type = string
}

connector "ws_server" "ws" {
  url            = "ws://${var.address}/ws"
  codec          = "json"
  utf8           = "lenient"
  max_message    = "16MiB"
  close_timeout  = "0s"
  adopt_headless = true
}

connector "http_server" "http" {
  url      = "http://${var.address}/http"
  routes   = ["POST"]
  codec    = "json"
  max_body = "16MiB"
}

connector "stdio" "out" {
  codec = "json_lines"
}

pipeline "records" {
  split "each" {
    over      = type(event) == "list" ? event : [event]
    max_items = 1000000
  }
}

connect "print" {
  from = [connector.ws, connector.http]
  via  = [pipeline.records]
  to   = connector.out
}
