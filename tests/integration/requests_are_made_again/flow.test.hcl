# A server that is not there yet, breaks off, is busy, and comes back: what it has not
# taken is sent again, in order, and what it refuses goes to err.
test "until_they_are_answered" {
  tags = ["http"]
  locals {
    port = free_port()
  }
  run {
    flow = "flow.hcl"
    vars = { url = "http://127.0.0.1:${local.port}/in" }
  }
  peer "server" {
    listen = "127.0.0.1:${local.port}"
    accept {
      tcp = true
    }
    expect_raw {
      matches = "^POST /in HTTP/1.1\r\n(.*\r\n)*Content-Type: application/json\r\n(.*\r\n)*\r\n{\"n\":1}$"
    }
    cut {}
    accept {
      tcp = true
    }
    expect_raw {
      matches = "\r\n\r\n{\"n\":1}$"
    }
    raw {
      text = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"
    }
    expect_raw {
      matches = "{\"n\":1}POST /in HTTP/1.1\r\n(.*\r\n)*\r\n{\"n\":1}$"
    }
    # Half an answer.
    raw {
      text = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
    }
    cut {
      how = "end"
    }
    accept {
      tcp = true
    }
    expect_raw {
      matches = "\r\n\r\n{\"n\":1}$"
    }
    raw {
      text = "HTTP/1.1 204 No Content\r\n\r\n"
    }
    expect_raw {
      matches = "{\"n\":2}$"
    }
    raw {
      text = "HTTP/1.1 422 Unprocessable Entity\r\nContent-Length: 0\r\n\r\n"
    }
    expect_raw {
      matches = "{\"n\":3}$"
    }
    raw {
      text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    }
  }
  expect {
    exit_code = 0
    file "problems.ndjson" {
      events = [{ kind = "write", message = "POST http://127.0.0.1:${local.port}/in: the answer is 422 Unprocessable Entity", event = { n = 2 } }]
    }
  }
}
