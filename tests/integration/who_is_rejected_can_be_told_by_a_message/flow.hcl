variable "url" {
  type = string
}

variable "close" {
  type = string
}

connector "ws_server" "edge" {
  url            = var.url
  codec          = "json"
  origins        = []
  reject         = "message"
  reject_message = jsonencode({ error = "${message} (${status} ${error})" })
  reject_close   = var.close
  auth "token" {
    from   = ["query:api_key"]
    tokens = ["known"]
  }
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
