# What is new is told to all, what is not is told to nobody, and a server that is not
# there is asked again.
test "as_it_says" {
  tags = ["ws", "http"]
  locals {
    port   = free_port()
    source = free_port()
  }
  before "poll" {
    flow = "poll.hcl"
    vars = { address = "127.0.0.1:${local.port}", source = "http://127.0.0.1:${local.source}/status", every = "10ms" }
    ready {
      port = local.port
    }
  }
  peer "listener" {
    connect = "ws://127.0.0.1:${local.port}"
    count   = 2
    dial {}
    signal "there" {}
    expect {
      json   = { version = 1 }
      within = "1m"
    }
    expect {
      json   = { version = 2 }
      within = "1m"
    }
    signal "heard" {}
    close {}
  }
  peer "source" {
    listen = "127.0.0.1:${local.source}"
    await "there" {
      count = 2
    }
    accept {
      tcp = true
    }
    expect_raw {
      matches = "^GET /status HTTP/1.1\r\n"
    }
    raw {
      text = "HTTP/1.1 200 OK\r\nEtag: \"1\"\r\nContent-Length: 13\r\n\r\n{\"version\":1}"
    }
    expect_raw {
      matches = "\r\n\r\nGET /status HTTP/1.1\r\n(.*\r\n)*If-None-Match: \"1\"\r\n(.*\r\n)*\r\n$"
    }
    raw {
      text = "HTTP/1.1 304 Not Modified\r\n\r\n"
    }
    expect_raw {
      matches = "(If-None-Match(.*\r\n)*\r\n(.*\r\n)*){2}$"
    }
    cut {}
    # It comes again, and still knows what it has seen.
    accept {
      tcp = true
    }
    expect_raw {
      matches = "^GET /status HTTP/1.1\r\n(.*\r\n)*If-None-Match: \"1\"\r\n"
    }
    raw {
      text = "HTTP/1.1 200 OK\r\nEtag: \"2\"\r\nContent-Length: 13\r\n\r\n{\"version\":2}"
    }
    await "heard" {
      count = 2
    }
  }
  expect {
    process "poll" {
      stderr {
        contains = ["drained"]
      }
    }
  }
}
