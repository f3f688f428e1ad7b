variable "url" {
  type = string
}

connector "ws_client" "basic" {
  url   = "ws://${var.url}/basic"
  codec = "json"
  auth "basic" {
    user     = "me"
    password = "open sesame"
  }
  reconnect {
    interval = "10ms"
  }
}

connector "ws_client" "token" {
  url   = "ws://${var.url}/token"
  codec = "json"
  auth "token" {
    token_file = "token.txt"
  }
  reconnect {
    interval = "10ms"
  }
}

connect "echo" {
  from = connector.basic
  to   = connector.basic
}

connect "echo_too" {
  from = connector.token
  to   = connector.token
}
