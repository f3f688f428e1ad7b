# Who sends metrics by UDP ends them by the datagram, and not by a newline.
test "lines" {
  tags = ["udp", "codecs"]
  locals {
    port = free_port()
  }
  run {
    flow  = "flow.hcl"
    vars  = { address = "127.0.0.1:${local.port}", codec = "statsd" }
    stdin = "a:1|c\n\nb:2|c\nc:3|c\n\nd:4|c|\n\nlast:5|c\n\n"
  }
  expect {
    exit_code = 0
    stdout {
      text = "{\"metric\":\"a\",\"type\":\"c\",\"value\":1};\n{\"metric\":\"b\",\"type\":\"c\",\"value\":2};\n{\"metric\":\"c\",\"type\":\"c\",\"value\":3};\ndecode d:4|c|;\n{\"metric\":\"last\",\"type\":\"c\",\"value\":5};\n"
    }
  }
}

# A datagram that is cut off takes nothing of the next along.
test "values" {
  tags = ["udp", "codecs"]
  locals {
    port = free_port()
  }
  run {
    flow  = "flow.hcl"
    vars  = { address = "127.0.0.1:${local.port}", codec = "json", preprocessors = ["json_stream"] }
    stdin = "{\"a\":1}{\"b\":\n\n{\"last\":true}\n\n"
  }
  expect {
    exit_code = 0
    stdout {
      text = "{\"a\":1};\ntruncated {\"b\":;\n{\"last\":true};\n"
    }
  }
}
