test "by_query_cookie_header_or_payload" {
  tags = ["ws", "security"]
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
  peer "mallory" {
    connect = "ws://127.0.0.1:${local.port}/?ws_server=x&meta.ws_server.tls=true&peer=127.0.0.1:1"
    headers = {
      Cookie      = "ws_server=x; peer=y"
      "Ws_server" = "x"
      Meta        = "{\"ws_server\":{\"tls\":true}}"
    }
    send {
      json = { meta = { ws_server = { peer = "x" } }, ws_server = { tls = true } }
    }
    expect {
      where = event.query.ws_server == "x" && event.cookies.ws_server == "x"
      save  = { meta = event.meta }
    }
    send {
      json = 1
    }
    expect {
      where = saved.meta == event.meta && keys(event.meta) == ["ws_server"] && event.meta.ws_server.tls == false && event.meta.ws_server.peer.host == "127.0.0.1"
    }
    close {}
  }
}
