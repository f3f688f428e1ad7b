variable "url" {
  type = string
}

connector "ws_server" "ingest" {
  url            = var.url
  codec          = "string"
  adopt_headless = true
  auth "token" {
    tokens = ["secret"]
  }
}

connect "echo" {
  from = connector.ingest
  to   = connector.ingest
}
