# Each of fifty clients writes to itself, and to the clients 7 and 14 further on, and
# names them in one of three ways. What the server has told is asked for again at the
# end: that nothing comes before the answer shows that nothing more has come.
test "by_id_or_host_and_port" {
  tags = ["ws", "address"]
  locals {
    port = free_port()
  }
  before "server" {
    flow = "flow.hcl"
    vars = { url = "127.0.0.1:${local.port}" }
    ready {
      port = local.port
    }
  }
  peer "client" {
    connect = "ws://127.0.0.1:${local.port}"
    count   = 50
    within  = "1m"
    send {
      json = { who = true }
    }
    expect {
      where = event.host == "127.0.0.1"
      save  = { self = event }
    }
    signal "joined" {}
    await "joined" {
      count = 50
    }
    send {
      json = { iam = index, self = saved.self }
    }
    expect {
      where = has(event.iam)
      count = 50
      save = {
        seventh    = event.iam == (index + 7) % 50 ? event.self : saved.seventh
        fourteenth = event.iam == (index + 14) % 50 ? event.self : saved.fourteenth
      }
    }
    signal "introduced" {}
    await "introduced" {
      count = 50
    }
    send {
      json = { to = saved.self.id, body = "from ${index} by id" }
    }
    send {
      json = { to = { id = saved.seventh.id }, body = "from ${index} by an object with the id" }
    }
    send {
      json = { to = { host = saved.fourteenth.host, port = saved.fourteenth.port }, body = "from ${index} by host and port" }
    }
    expect_all {
      message {
        json = "from ${index} by id"
      }
      message {
        json = "from ${(index + 43) % 50} by an object with the id"
      }
      message {
        json = "from ${(index + 36) % 50} by host and port"
      }
    }
    signal "written" {}
    await "written" {
      count = 50
    }
    send {
      json = { who = true }
    }
    expect {
      json = saved.self
    }
    close {}
  }
  expect {
    file "errors.ndjson" {
      text = ""
    }
  }
}

# Whatever on_lost_peer says: it is a mistake of the flow.
test "what_is_no_address_goes_to_err" {
  tags = ["ws", "address", "errors"]
  locals {
    port = free_port()
  }
  before "server" {
    flow = "flow.hcl"
    vars = { url = "127.0.0.1:${local.port}" }
    ready {
      port = local.port
    }
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}"
    send {
      json = { to = 7, body = "a number" }
    }
    send {
      json = { to = { host = "127.0.0.1" }, body = "no port" }
    }
    send {
      json = { to = { host = "127.0.0.1", port = "1" }, body = "a port that is text" }
    }
    send {
      json = { to = "nobody/at/all/1", body = "an id that nobody has given" }
    }
    send {
      json = { who = true }
    }
    expect {
      where = has(event.id)
    }
    close {}
  }
  expect {
    file "errors.ndjson" {
      events = [for body in ["a number", "no port", "a port that is text", "an id that nobody has given"] : {
        event = body
        error = { component = "connector.edge" }
        peer  = { connector = "edge", host = "127.0.0.1" }
      }]
      ignore = ["error.kind", "error.message", "error.at", "error.step", "peer.id", "peer.port", "raw"]
    }
  }
}
