# What is measured: what a connection costs that is asked for its token, watched
# by pings, and counted.
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

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
