package flows_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/codecs"
	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/flows"
	"github.com/flowrun/flowrun/preprocessors"
	"github.com/flowrun/flowrun/runtime/pipeline"
)

// TestNoSecretIsShown reads a flow that is full of secrets, all of which have
// s3cr3t in them, in every way in which they can get where they are needed.
func TestNoSecretIsShown(t *testing.T) {
	t.Setenv("FLOWRUN_TEST_SHOWN", "s3cr3t-of-environment")
	files := map[string]string{
		"flow.hcl": `
# tokens = ["s3cr3t-of-comment"]
variable "marked" {
  type      = string
  sensitive = true
  default   = "s3cr3t-of-default" // s3cr3t
}

variable "plain" {
  type    = string
  default = "s3cr3t-of-plain"
}

variable "filed" {
  type      = string
  sensitive = true
}

locals {
  whole  = "s3cr3t-whole"
  half   = "s3cr3t-half"
  short  = "s3c"
  list   = ["s3cr3t-listed", "s3cr3t-second"]
  object = { password = "s3cr3t-in-object", nested = { api_key = ["s3cr3t-deep"] } }
  body   = "{\"token\":\"s3cr3t-in-json\"}"
  page   = "https://user:s3cr3t-in-url@example.org/"
  query  = "https://example.org/?api_key=s3cr3t-in-query"
  text   = <<-EOT
    Authorization: s3cr3t-in-heredoc
  EOT
  fine   = "shown"
}

flow {
  description = "shown, too"
  admin {
    address = "127.0.0.1:0"
    tokens  = [local.whole, "${local.half}-and-more", env("FLOWRUN_TEST_SHOWN"), var.plain, var.marked, var.filed, local.list[0]]
    hashes = {
      "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" = { sub = "s3cr3t-name" }
    }
  }
}

connector "ws_server" "edge" {
  url     = "127.0.0.1:0"
  codec   = "json"
  headers = { X-Shown-Not = "s3cr3t-header", "Set-Cookie" = "s3cr3t-cookie" }
  auth "token" {
    from   = ["header"]
    tokens = ["s3cr3t-literal", base64encode("s3cr3t-computed"), true ? "s3cr3t-chosen" : "s3cr3t-other"]
  }
  auth "basic" {
    credentials = ["alice:s3cr3t-basic", "bob:${local.short}"]
  }
}

connector "ws_client" "up" {
  url      = "ws://carol:${local.half}@127.0.0.1:1/?key=${var.plain}"
  codec    = "json"
  required = false
  on_open  = ["{\"password\":\"s3cr3t-opened\"}", "login token=s3cr3t-said"]
}

module "part" {
  source   = "./part"
  password = "s3cr3t-argument"
}

connect "echo" {
  from = connector.edge
  to   = [connector.edge, connector.up]
}
`,
		"part/part.hcl": `
variable "password" {
  type      = string
  sensitive = true
}

connector "ws_client" "away" {
  url   = "ws://dave:${var.password}@127.0.0.1:1/"
  codec = "json"
}

pipeline "none" {
  filter "x" {
    where = event.a == 1
  }
}

connect "in" {
  from = connector.away
  via  = [pipeline.none]
  to   = connector.away
}
`,
		"vars.hcl": `filed = "s3cr3t-of-file"`,
	}
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, report := flows.Load([]string{filepath.Join(dir, "flow.hcl")}, flows.Tables{Connectors: connectors.All, Codecs: codecs.All, Processors: preprocessors.All, Steps: pipeline.Steps}, flows.Inputs{VarFiles: []string{filepath.Join(dir, "vars.hcl")}, Env: os.Environ()})
	if report.HasErrors() {
		t.Fatal(report.Text(false))
	}
	shown := report.Shown()
	var all strings.Builder
	for _, f := range shown {
		all.WriteString(f.Name + "\n" + f.Text)
	}
	for i, line := range strings.Split(all.String(), "\n") {
		if strings.Contains(line, "s3cr3t") || strings.Contains(line, "s3c\"") {
			t.Errorf("line %d: %s", i+1, line)
		}
	}
	for _, want := range []string{`fine   = "shown"`, `description = "shown, too"`, `connector "ws_server" "edge"`, `url     = "127.0.0.1:0"`, "event.a == 1", "var.marked"} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("there is no %s in\n%s", want, &all)
		}
	}
	if len(shown) != 2 {
		t.Errorf("%d files are shown", len(shown))
	}
}
