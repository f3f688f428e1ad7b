variable "url" {
  type    = string
  default = "ws://127.0.0.1:4242/live"
}

variable "token" {
  type      = string
  sensitive = true
  default   = "hunter2"
}

locals {
  twice = "${local.once}${local.once}"
  once  = upper("ab")
  limit = { max = "2MiB" }
}

codec "json" "sorted" {
  sort_keys = true
}

preprocessor "separate" "lines" {
  buffered = false
}

connector "ws_server" "edge" {
  url             = var.url
  codec           = codec.sorted
  preprocessors   = [preprocessor.lines, "gzip", { name = "separate", separator = ";" }]
  postprocessors  = ["separate"]
  token           = "x-${var.token}"
  headers         = { Server = "flowrun", Twice = local.twice, Gone = null }
  max_message     = local.limit.max
  connect_timeout = "2d"
  backlog         = "12"
  utf8            = "lenient"
  on_decode_error = "drop"
  queue {
    max_events = 5
    overflow   = "drop_oldest"
  }
  reconnect {
    max_retries = 3
  }
}

connector "ws_client" "feed" {
  url     = "wss://example.net:1"
  codec   = "string"
  headers = { Authorization = var.token }
  on_open = [jsonencode({ a = 1 }), "hello"]
}

connector "file" "in" {
  path  = "in/a.json"
  mode  = "read"
  codec = { name = "json", sort_keys = true, max_depth = 3 }
}

connector "stdio" "console" {
  codec         = "json"
  preprocessors = ["separate", "remove_empty"]
}

connector "exit" "stop" {
  code = 3
}

pipeline "slim" {
  filter "some" {
    where = event.a == 1
  }
  route "kind" {
    port "exit" {
      where = event == "exit"
    }
    port "rest" {
    }
  }
}

connect "one" {
  from    = [connector.edge, connector.in.out]
  via     = [pipeline.slim, pipeline.slim]
  where   = peer.host == "127.0.0.1" && var.token == event.token
  to      = connector.feed
  deliver = "reply"
}

connect "two" {
  from = pipeline.slim.exit
  to   = [connector.stop, connector.feed]
}

connect "three" {
  from = [connector.feed.err, pipeline.slim.err]
  to   = [connector.console.in, connector.feed]
}

connect "four" {
  from = connector.console
  to   = pipeline.slim
}

flow {
  description = "all there is"
  drain {
    delay   = "1s"
    spread  = "2s"
    timeout = "1m"
    code    = 1012
    reason  = "come back"
    message = jsonencode({ bye = true })
  }
}
