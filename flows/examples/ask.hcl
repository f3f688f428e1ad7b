# A program answers WebSocket clients: one program for all of them, which reads lines and
# prints lines. Here it is sed, which makes shouting of what it reads.
#
#   flowrun server run flows/examples/ask.hcl
#   flowrun dial ws://127.0.0.1:4242/
#
# What a program prints comes from the program, and not from a client. So the flow sends the
# client's id along, in front of a tab, and finds the client by it when the line comes back.

variable "url" {
  type        = string
  default     = "127.0.0.1:4242"
  description = "where clients connect"
}

connector "ws_server" "edge" {
  url   = var.url
  codec = "string"
}

connector "exec" "program" {
  command = ["sed", "-u", "-e", "s/$/!/"]
  codec   = "string"
}

pipeline "question" {
  map "addressed" {
    event = "${peer.id}\t${replace(event, "\n", " ")}" # a line is one question
  }
}

pipeline "answer" {
  map "to_the_client" {
    event = regex("\t(.*)", event)[0]
    meta  = { ws_server = { peer = { id = regex("^[^\t]*", event) } } }
  }
}

connect "ask" {
  from = connector.edge
  via  = [pipeline.question]
  to   = connector.program
}

connect "answer" {
  from = connector.program
  via  = [pipeline.answer]
  to   = connector.edge
}
