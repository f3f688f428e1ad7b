# One after the other: to check a password takes a slow machine long, and who waits longer
# for it than some seconds is told to come again.
test "and_are_known_by_their_name" {
  tags = ["ws", "access"]
  locals {
    port = free_port()
  }
  before "server" {
    flow = "flow.hcl"
    args = ["--log-level", "debug"]
    vars = { url = "127.0.0.1:${local.port}", carol = "carol:singsong" }
    ready {
      port = local.port
    }
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}"
    headers = { Authorization = "Basic ${base64encode("alice:wonderland")}" }
    send {
      json = 1
    }
    expect {
      where = event.who == "alice" && !contains(event.sees, "authorization")
    }
    close {}
    signal "alice" {}
  }
  peer "bob" {
    connect = "ws://127.0.0.1:${local.port}"
    headers = { Authorization = "Basic ${base64encode("bob:builder")}" }
    await "alice" {}
    send {
      json = 1
    }
    expect {
      where = event.who == "bob" && !contains(event.sees, "authorization")
    }
    close {}
    signal "bob" {}
  }
  peer "carol" {
    connect = "ws://127.0.0.1:${local.port}"
    headers = { Authorization = "Basic ${base64encode("carol:singsong")}" }
    await "bob" {}
    send {
      json = 1
    }
    expect {
      where = event.who == "carol" && !contains(event.sees, "authorization")
    }
    close {}
    signal "carol" {}
  }
  peer "mallory" {
    connect = "ws://127.0.0.1:${local.port}"
    await "carol" {}
    dial {
      status = 401
      where  = event.headers["www-authenticate"] == "Basic realm=\"edge\", charset=\"UTF-8\"" && jsondecode(event.body).error == "credentials_missing"
    }
    dial {
      headers = { Authorization = "Basic ${base64encode("alice:guessing")}" }
      status  = 401
      where   = event.body == "{\"error\":\"credentials_invalid\",\"message\":\"the credentials are not accepted\"}\n"
    }
    dial {
      headers = { Authorization = "Basic ${base64encode("nobody:guessing")}" }
      status  = 401
      where   = event.body == "{\"error\":\"credentials_invalid\",\"message\":\"the credentials are not accepted\"}\n"
    }
  }
  expect {
    process "server" {
      exit_code = 0
      stderr {
        contains = [
          "handshake refused: there is no Authorization header",
          "handshake refused: the user or the password is wrong",
          "\"status\":401",
        ]
        absent = ["guessing", "wonderland", "singsong", "bmd1ZXNzaW5n"]
      }
    }
  }
}
