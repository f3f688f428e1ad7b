# Replies of 8 MiB, of which the clients have got the first bytes when they leave.
test "by_a_reset_or_by_the_end_of_the_stream" {
  tags    = ["ws"]
  timeout = "5m"
  locals {
    port = free_port()
    page = join("", [for i in range(1024) : "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"])
    book = join("", [for i in range(128) : local.page])
  }
  before "server" {
    flow = "flow.hcl"
    vars = { url = "127.0.0.1:${local.port}" }
    ready {
      port = local.port
    }
  }
  peer "resets" {
    connect        = "ws://127.0.0.1:${local.port}"
    count          = 2
    receive_buffer = "4KiB"
    within         = "4m" # 8 MiB are much for a machine that is slow
    read {
      rate = "64KiB"
    }
    send {
      text = local.book
    }
    cut {}
    signal "gone" {}
  }
  peer "ends" {
    connect        = "ws://127.0.0.1:${local.port}"
    count          = 2
    receive_buffer = "4KiB"
    within         = "4m" # 8 MiB are much for a machine that is slow
    read {
      rate = "64KiB"
    }
    send {
      text = local.book
    }
    cut {
      how = "end"
    }
    signal "gone" {}
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}"
    repeat {
      times = 20
      send {
        json = n
      }
      expect {
        json = n
      }
    }
    await "gone" {
      count  = 4
      within = "4m"
    }
    send {
      json = "still here"
    }
    expect {
      json = "still here"
    }
    close {}
  }
  expect {
    process "server" {
      exit_code = 0
      stderr {
        absent = ["panic", "goroutine "]
      }
    }
  }
}
