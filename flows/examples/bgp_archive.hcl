# Keeps the BGP messages that routers' collectors send, such as bgpipe:
#
#   export BGP_AUTH="user:s3cret"
#   flowrun server run flows/examples/bgp_archive.hcl
#   bgpipe -- connect 192.0.2.1 -- websocket --write -LR --auth '$BGP_AUTH' ws://127.0.0.1:8443/bgp -- connect 10.0.0.1
#
# Each message is a line of updates.json, in bgpipe's JSON format, with the address of
# who sent it among its tags. What is no message goes to the log, and costs only itself.

variable "url" {
  type        = string
  default     = "ws://127.0.0.1:8443/bgp"
  description = "where collectors connect"
}

variable "format" {
  type        = string
  default     = "json"
  description = "what they send: json, raw, mrt, exa, bmp or obmp"
}

connector "ws_server" "collectors" {
  url   = var.url
  codec = { name = "bgp", format = var.format, types = ["UPDATE"] }
  auth "basic" {
    credentials = env("BGP_AUTH") # user:password
  }
}

connector "file" "archive" {
  path  = "updates.json"
  mode  = "append"
  codec = { name = "bgp", format = "json" }
}

connector "log" "problems" {
  level = "warn"
}

connect "updates" {
  from  = connector.collectors
  where = !prefix_within(event, ["10.0.0.0/8", "fd00::/8"]) # what no router should tell
  to    = connector.archive
}

connect "problems" {
  from = connector.collectors.err
  to   = connector.problems
}
