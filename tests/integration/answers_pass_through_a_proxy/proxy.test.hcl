# http_server -> http_client -> the http_server of another process, and back to whoever
# has asked, without a reply_timeout.
test "each_to_who_has_asked" {
  tags = ["http"]
  locals {
    port   = free_port()
    behind = free_port()
  }
  before "behind" {
    flow = "behind.hcl"
    vars = { address = "127.0.0.1:${local.behind}" }
    ready {
      port = local.behind
    }
  }
  before "front" {
    flow = "front.hcl"
    vars = { address = "127.0.0.1:${local.port}", behind = "127.0.0.1:${local.behind}" }
    ready {
      port = local.port
    }
  }
  peer "clients" {
    connect = "ws://127.0.0.1:${local.port}"
    count   = 20
    dial {
      tcp = true
    }
    repeat {
      times = 10
      raw {
        text = "POST /a/b%2Fc?status=404&n=${index}-${n} HTTP/1.1\r\nHost: x\r\nContent-Type: text/x\r\nContent-Length: 7\r\n\r\n{\"a\":1}"
      }
      expect_raw {
        matches = "HTTP/1.1 404 Not Found\r\n(.*\r\n)*Content-Type: application/json\r\n(.*\r\n)*Etag: \"e\"\r\n(.*\r\n)*\r\n{\"method\":\"POST\",\"path\":\"a/b/c\",\"query\":{\"n\":\"\\d+-\\d+\",\"status\":\"404\"},\"type\":\"text/x\",\"event\":{\"a\":1},\"huge\":null}$"
      }
    }
    cut {}
  }
  peer "huge" {
    connect = "ws://127.0.0.1:${local.port}"
    dial {
      tcp = true
    }
    raw {
      text = "GET /x?huge=1 HTTP/1.1\r\nHost: x\r\n\r\n"
    }
    expect_raw {
      matches = "^HTTP/1.1 200 OK\r\n(.*\r\n)*\r\n(.|\r\n)*\"huge\":\"[0-9a-f]{1000}[0-9a-f]*\"}"
    }
    cut {}
  }
  expect {
    process "front" {
      stderr {
        contains = ["drained"]
        absent   = ["\"warn\"", "\"error\""]
      }
    }
  }
}
