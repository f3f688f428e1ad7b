test "as_they_say" {
  tags = ["ws", "processors"]
  locals {
    port = free_port()
  }
  before "server" {
    flow = "server.hcl"
    vars = { address = "127.0.0.1:${local.port}" }
    ready {
      port = local.port
    }
  }
  peer "cut" {
    connect = "ws://127.0.0.1:${local.port}/cut"
    send {
      text = "[12345678,12]"
    }
    expect {
      hex = "5b 31 32 33 34 35 36 37"
    }
    expect {
      hex = "38 2c 31 32 5d 0a"
    }
    close {}
  }
  peer "dated" {
    connect = "ws://127.0.0.1:${local.port}/dated"
    send {
      hex = "18 ec 40 cc e2 04 cd 15 7b 22 61 22 3a 31 7d"
    }
    expect {
      hex = "18 ec 40 cc e2 04 cd 15 7b 22 64 61 74 65 22 3a 22 32 30 32 36 2d 31 31 2d 32 38 54 31 36 3a 30 30 3a 30 30 2e 31 32 33 34 35 36 5a 22 2c 22 61 22 3a 31 7d"
    }
    close {}
  }
  peer "unpacked" {
    connect = "ws://127.0.0.1:${local.port}/unpacked"
    send {
      hex = "fd 37 7a 58 5a 00 00 04 e6 d6 b4 46 02 00 21 01 1c 00 00 00 10 cf 58 cc 01 00 04 68 65 6c 6c 6f 00 00 00 00 b1 37 b9 db e5 da 1e 9b 00 01 1d 05 b8 2d 80 af 1f b6 f3 7d 01 00 00 00 00 04 59 5a"
    }
    expect {
      text = "hello"
    }
    send {
      hex = "fd 37 7a 58 5a 00 00 04 e6 d6 b4 46 02 00 21 01 1c 00 00 00 10 cf 58 cc e0 00 20 00 06 5d 00 34 6e 18 00 00 00 00 00 00 63 11 8b 12 b9 69 9b 0e 00 01 22 21 55 e3 5d cb 1f b6 f3 7d 01 00 00 00 00 04 59 5a"
    }
    expect {
      text = "unpack a message as xz: it unpacks to more than max_size 32B: raise max_size if that is expected"
    }
    close {}
  }
}
