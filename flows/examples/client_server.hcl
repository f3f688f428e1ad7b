# Both ends of a conversation in one flow: a client sends a file, the server
# sends each line back, and what the client hears goes to standard output. The
# line "exit" ends the process.
#
#   flowrun server run flows/examples/client_server.hcl

variable "url" {
  type        = string
  default     = "ws://127.0.0.1:4243"
  description = "where the server listens and the client connects"
}

codec "json" "sorted" {
  sort_keys = true
}

connector "file" "greetings" {
  path          = "greetings.json"
  mode          = "read"
  preprocessors = ["separate"]
  codec         = "json"
}

connector "ws_client" "client" {
  url            = var.url
  preprocessors  = ["separate"]
  codec          = "json"
  postprocessors = ["separate"]
  reconnect {
    interval    = "100ms"
    max_retries = 10
  }
}

connector "ws_server" "server" {
  url            = var.url
  preprocessors  = ["separate"]
  codec          = codec.sorted
  postprocessors = ["separate"]
}

connector "stdio" "console" {
  codec          = "json"
  postprocessors = ["separate"]
}

connector "exit" "exit" {
  delay = "100ms"
}

pipeline "server_side" {
  route "kind" {
    port "exit" {
      where = event == "exit"
    }
    port "rest" {
    }
  }
}

connect "send" {
  from = connector.greetings
  to   = connector.client
}

connect "serve" {
  from = connector.server
  to   = pipeline.server_side
}

connect "echo" {
  from = pipeline.server_side.rest
  to   = connector.server
}

connect "stop" {
  from = pipeline.server_side.exit
  to   = connector.exit
}

connect "show" {
  from = [connector.client, connector.client.err, connector.server.err]
  to   = connector.console
}
