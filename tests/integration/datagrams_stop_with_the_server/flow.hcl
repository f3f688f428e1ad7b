# The server has two senders when the flow ends: what the second one asks is what the
# first one was answered.
variable "address" {
  type = string
}

connector "stdio" "console" {
  codec = "json_lines"
}

connector "udp_client" "first" {
  url   = "udp://${var.address}"
  codec = "json"
}

connector "udp_client" "second" {
  url   = "udp://${var.address}"
  codec = "json"
}

connector "udp_server" "in" {
  url   = var.address
  codec = "json"
}

connector "exit" "end" {}

connect "ask" {
  from = connector.console
  to   = connector.first
}

connect "answer" {
  from = connector.in
  to   = connector.in
}

connect "ask_again" {
  from = connector.first
  to   = connector.second
}

connect "end" {
  from = connector.second
  to   = connector.end
}
