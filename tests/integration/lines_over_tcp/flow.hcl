# Lines are answered, and a flow closes the connections of those who take leave.
variable "port" {
  type = number
}

connector "tcp_server" "in" {
  url   = "tcp://127.0.0.1:${var.port}"
  codec = "json"
}

pipeline "answer" {
  map "greet" {
    event = { hello = event.name, port = peer.port }
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
