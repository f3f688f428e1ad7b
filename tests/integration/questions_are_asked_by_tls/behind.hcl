variable "address" {
  type = string
}

connector "http_server" "behind" {
  url   = "https://${var.address}/"
  codec = "json"
  tls {
    cert      = "server.cert"
    key       = "server.key"
    client_ca = "client.cert"
  }
  auth "basic" {
    credentials = ["ada:hush-password"]
  }
}

connect "echo" {
  from = connector.behind
  to   = connector.behind
}
