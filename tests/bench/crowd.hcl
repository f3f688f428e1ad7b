# What is measured: how the active feel a crowd beside them, of which most do
# nothing, and some read too slowly what all are sent.
connector "ws_server" "edge" {
  url            = "ws://127.0.0.1:0/"
  preprocessors  = ["separate"]
  codec          = "json"
  postprocessors = ["separate"]
  auth "token" {
    from   = ["query:token"]
    hashes = { "1b32c28cb38c05480eccc1bd60ff97029b57a05c96718b96dad7e9d84894f549" = { sub = "bench" } }
  }
  ping {}
  limits {
    max_connections        = 50000
    max_connections_per_ip = 50000
    messages_per_second    = 1000000
    bytes_per_second       = "1GiB"
  }
}

connector "ws_server" "news" {
  url   = "ws://127.0.0.1:0/"
  codec = "string"
  queue {
    max_events = 64
    max_bytes  = "64KiB"
    overflow   = "disconnect"
  }
}

connector "metronome" "clock" {
  interval = "50ms"
  event    = join("", [for i in range(256) : "0123456789abcdef"])
  codec    = "string"
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}

connect "tell" {
  from    = connector.clock
  to      = connector.news
  deliver = "broadcast"
}
