# Lines are answered, and a flow closes the connections of those who take leave.
variable "port" {
  type = number
}

connector "tcp_server" "in" {
  url   = "tcp://127.0.0.1:${var.port}"
  codec = "json_lines"
}

pipeline "answer" {
  map "greet" {
    event = { hi = event.name, port = peer.port }
    meta = {
      tcp_server = {
        close = event.name == "bye" ? {} : null
      }
    }
  }
}

connect "echo" {
  from = connector.in
  via  = [pipeline.answer]
  to   = connector.in
}
