# Says hello, prints the answer and ends.
variable "url" {
  type = string
}

connector "ws_client" "feed" {
  url     = var.url
  codec   = "json"
  on_open = ["\"hello\""]
  tls {
    cafile = "server.cert"
    domain = "localhost"
    cert   = "client.cert"
    key    = "client.key"
  }
}

connector "stdio" "console" {
  codec = "json"
}

connector "exit" "exit" {}

connect "show" {
  from = connector.feed
  to   = [connector.console, connector.exit]
}
