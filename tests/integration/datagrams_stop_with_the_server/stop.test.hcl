# None of several senders waits for the end of another: the end would have to be cut short.
test "all_at_once" {
  tags = ["udp", "drain"]
  locals {
    port = free_port()
  }
  run {
    flow  = "flow.hcl"
    vars  = { address = "127.0.0.1:${local.port}" }
    stdin = "{\"n\":1}\n"
  }
  expect {
    exit_code = 0
    stderr {
      contains = ["\"drained\""]
      absent   = ["cut short", "panic"]
    }
  }
}
