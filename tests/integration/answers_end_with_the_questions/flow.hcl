# Each line of the console is asked, and what is answered is printed.
variable "url" {
  type = string
}

connector "stdio" "console" {
  codec = "json_lines"
}

connector "http_client" "api" {
  url   = var.url
  codec = "json"
}

connect "ask" {
  from = connector.console
  to   = connector.api
}

connect "show" {
  from = connector.api
  to   = connector.console
}
