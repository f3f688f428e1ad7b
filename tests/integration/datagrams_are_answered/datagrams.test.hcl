# The console has nothing more to say after two lines; the answers are waited for.
test "also_at_the_end" {
  tags = ["udp"]
  locals {
    port = free_port()
  }
  run {
    flow  = "flow.hcl"
    vars  = { address = "127.0.0.1:${local.port}" }
    stdin = "{\"n\":1}\n{\"n\":2}\n"
  }
  expect {
    exit_code = 0
    stdout {
      format = "ndjson"
      events = [{ n = 1, from = "127.0.0.1", same = true }, { n = 2, from = "127.0.0.1", same = true }]
    }
  }
}
