package cli

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// codingEvents are what is written and read back below.
const codingEvents = `{"n":1,"text":"héllo","f":42.5,"list":[1,null,true]}` + "\n" + `{"n":2}` + "\n" + `"three"` + "\n"

const codingFlow = `
connector "stdio" "console" {
  preprocessors  = ["separate"]
  codec          = %[1]q
  postprocessors = ["separate"]
}

connector "file" "kept" {
  path           = "kept"
  mode           = "%[2]s"
  codec          = %[3]s
  preprocessors  = %[4]s
  postprocessors = %[5]s
}

connect "all" {
  from = %[6]s
  to   = %[7]s
}
`

// TestThereAndBack writes events to a file through each codec and each pair of
// processors, and reads them back as they were.
func TestThereAndBack(t *testing.T) {
	binary := built(t)
	lines := `["separate"]`
	for _, row := range []struct{ console, codec, pre, post string }{
		{"json", `"json"`, lines, lines},
		{"json", `{ name = "json", sort_keys = false }`, lines, lines},
		{"string", `"string"`, lines, lines},
		{"binary", `"binary"`, lines, lines},
		{"json", `"msgpack"`, `["length_prefix"]`, `["length_prefix"]`},
		{"json", `"json"`, `[{ name = "separate", separator = "|", max_length = "1KiB" }]`, `[{ name = "separate", separator = "|" }]`},
		{"json", `"json"`, `["separate", "remove_empty"]`, `["remove_empty", { name = "separate", separator = "\n" }]`},
		{"json", `"json"`, `[{ name = "length_prefix", size = 1 }]`, `[{ name = "length_prefix", size = 1 }]`},
		{"json", `"json"`, `[{ name = "length_prefix", size = 2, order = "little" }]`, `[{ name = "length_prefix", size = 2, order = "little" }]`},
		{"json", `"json"`, `[{ name = "length_prefix", size = 4 }]`, `[{ name = "length_prefix", size = 4 }]`},
		{"json", `"json"`, `[{ name = "length_prefix", size = 8 }]`, `[{ name = "length_prefix", size = 8 }]`},
		{"json", `"json"`, `[{ name = "length_prefix", size = "varint" }]`, `[{ name = "length_prefix", size = "varint" }]`},
		{"json", `"json"`, `[{ name = "length_prefix", size = "text" }]`, `[{ name = "length_prefix", size = "text" }]`},
		{"json", `"json"`, `["separate", "base64"]`, `["base64", "separate"]`},
		{"json", `"json"`, `["length_prefix", "gzip"]`, `["gzip", "length_prefix"]`},
		{"json", `"json"`, `["length_prefix", "zlib"]`, `["zlib", "length_prefix"]`},
		{"json", `"json"`, `["length_prefix", "zstd"]`, `["zstd", "length_prefix"]`},
		{"json", `"json"`, `["length_prefix", "snappy"]`, `["snappy", "length_prefix"]`},
		{"json", `"json"`, `["length_prefix", "lz4"]`, `["lz4", "length_prefix"]`},
		{"json", `"json"`, `["length_prefix", "xz"]`, `["xz", "length_prefix"]`},
		{"json", `"json"`, `["length_prefix", "ingest_time"]`, `["ingest_time", "length_prefix"]`},
		{"json", `"json"`, `["length_prefix", "decompress"]`, `["zstd", "length_prefix"]`},
		{"json", `"json"`, `["length_prefix", "decompress", "base64"]`, `["base64", "gzip", "length_prefix"]`},
	} {
		t.Run(row.codec+" "+row.post, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			run := func(input, mode, from, to string) string {
				t.Helper()
				flow := fmt.Sprintf(codingFlow, row.console, mode, row.codec, row.pre, row.post, from, to)
				if err := os.WriteFile(filepath.Join(dir, mode+".hcl"), []byte(flow), 0o600); err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				cmd := exec.CommandContext(ctx, binary, "server", "run", mode+".hcl")
				cmd.Dir, cmd.Stdin = dir, strings.NewReader(input)
				var stdout, stderr strings.Builder
				cmd.Stdout, cmd.Stderr = &stdout, &stderr
				if err := cmd.Run(); err != nil {
					t.Fatalf("%v\n%s", err, &stderr)
				}
				return stdout.String()
			}
			run(codingEvents, "write", "connector.console", "connector.kept")
			if got := run("", "read", "connector.kept", "connector.console"); got != codingEvents {
				t.Errorf("what was written:\n%swhat is read:\n%s", codingEvents, got)
			}
		})
	}
}
