test "and_the_process_ends" {
  tags = ["ws", "reconnect"]
  locals {
    port = free_port()
  }
  run {
    flow = "exit.hcl"
    vars = { upstream = "ws://127.0.0.1:${local.port}" }
  }
  # So often in a row; the first time counts.
  peer "server" {
    listen = "127.0.0.1:${local.port}"
    repeat {
      times = 3
      refuse {
        status = 0
      }
    }
  }
  expect {
    exit_code = 1
    stderr {
      matches = ["\"given up\".*\"connector\":\"feed\".*\"failed_attempts\":3"]
    }
  }
}

test "or_goes_on_with_the_rest" {
  tags = ["ws", "reconnect"]
  locals {
    port = free_port()
    far  = free_port()
  }
  before "flow" {
    flow = "continue.hcl"
    vars = {
      url      = "127.0.0.1:${local.port}"
      upstream = "ws://127.0.0.1:${local.far}"
    }
    ready {
      port = local.port
      log  = "\"given up\".*\"connector\":\"feed\".*\"failed_attempts\":3"
    }
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}"
    repeat {
      times = 100
      send {
        json = n
      }
      expect {
        json = n
      }
    }
    signal "served" {}
    close {}
  }
  expect {
    process "flow" {
      exit_code = 0
      stderr {
        absent = ["\"failed_attempts\":4"]
      }
    }
  }
}
