# The process ends when its input has, although http_client could go on for ever: it says
# nothing that it was not asked.
test "at_the_end_of_the_input" {
  tags = ["http"]
  locals {
    port = free_port()
  }
  run {
    flow  = "flow.hcl"
    vars  = { url = "http://127.0.0.1:${local.port}/in" }
    stdin = "{\"n\":1}\n"
  }
  peer "server" {
    listen = "127.0.0.1:${local.port}"
    accept {
      tcp = true
    }
    expect_raw {
      matches = "{\"n\":1}$"
    }
    raw {
      text = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{\"m\":1}"
    }
    expect_close {}
  }
  expect {
    exit_code = 0
    stdout {
      text = "{\"m\":1}\n"
    }
    stderr {
      contains = ["all sources have ended"]
    }
  }
}
