package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/tests/process"
)

const operators = "../../cmd/flowrun/OPERATE.md"

// TestOperateUnit has systemd look at the unit of the operator's page.
func TestOperateUnit(t *testing.T) {
	binary, units := built(t), textsOf(t, operators, "ini")
	if len(units) != 2 {
		t.Fatalf("the page shows %d units, not a unit and what takes the place of a line before systemd 253", len(units))
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skipf("skipped: %v", err)
	}
	run := func(args ...string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), analyze, args...).CombinedOutput()
		if err != nil {
			t.Errorf("systemd-analyze %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	unit := strings.Replace(units[0], "/usr/local/bin/flowrun", binary, 1)
	if m := regexp.MustCompile(`systemd (\d+)`).FindStringSubmatch(run("--version")); m != nil {
		if version, _ := strconv.Atoi(m[1]); version < 253 {
			unit = strings.Replace(unit, "Type=notify-reload\n", units[1], 1)
		}
	}
	file := filepath.Join(t.TempDir(), "flowrun.service")
	if err := os.WriteFile(file, []byte(unit), 0o600); err != nil {
		t.Fatal(err)
	}
	if said := run("verify", file); strings.Contains(said, "flowrun.service") {
		t.Errorf("systemd complains about the unit:\n%s", said)
	}
	t.Log(run("security", "--offline=true", "--threshold=20", file)) // 2.0 of 10: "OK"
}

// TestOperateFlows validates the flows of the operator's page, also the one in
// Kubernetes' ConfigMap.
func TestOperateFlows(t *testing.T) {
	flows := textsOf(t, operators, "hcl")
	for _, r := range manifests(t) {
		flows = append(flows, r.Data["edge.hcl"])
	}
	checked := 0
	for _, text := range flows {
		if text == "" {
			continue
		}
		checked++
		file := filepath.Join(t.TempDir(), "edge.hcl")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.CommandContext(t.Context(), built(t), "validate", file).CombinedOutput(); err != nil || !bytes.HasPrefix(out, []byte("ok ")) {
			t.Errorf("%v\n%s\n%s", err, out, text)
		}
	}
	if checked != 2 {
		t.Errorf("the page has %d flows, not 2", checked)
	}
}

// TestOperateAlerts looks for the metrics of the alerts in their list, which
// another test compares with what is served.
func TestOperateAlerts(t *testing.T) {
	const page = "../../runtime/admin/README.md"
	text, alerts := read(t, page), 0
	for _, rules := range textsOf(t, page, "yaml") {
		alerts += strings.Count(rules, "- alert: ")
		for _, name := range regexp.MustCompile(`flowrun_\w+`).FindAllString(rules, -1) {
			if name = strings.TrimSuffix(name, "_bucket"); !strings.Contains(text, "\n| `"+name+"` |") {
				t.Errorf("an alert is about %s, which is not in the list", name)
			}
		}
	}
	if alerts < 3 {
		t.Errorf("the page has %d alerts", alerts)
	}
}

// manifest is as much of a resource of Kubernetes as concerns flowrun.
type manifest struct {
	Kind string
	Data map[string]string
	Spec struct {
		Template struct {
			Spec struct {
				TerminationGracePeriodSeconds int
				Containers                    []struct {
					Args  []string
					Ports []struct {
						Name          string
						ContainerPort int
					}
					StartupProbe, LivenessProbe, ReadinessProbe struct{ HTTPGet struct{ Path, Port string } }
				}
			}
		}
	}
}

// manifests reads them as flows read YAML.
func manifests(t *testing.T) (all []manifest) {
	t.Helper()
	for _, text := range textsOf(t, operators, "yaml") {
		for one := range strings.SplitSeq(text, "\n---\n") {
			quoted, err := json.Marshal(one)
			if err != nil {
				t.Fatal(err)
			}
			spelled := strings.NewReplacer("${", "$${", "%{", "%%{").Replace(string(quoted))
			out, err := exec.CommandContext(t.Context(), built(t), "eval", "yamldecode("+spelled+")").Output()
			if err != nil {
				t.Fatalf("%v\n%s", err, one)
			}
			var m manifest
			if err := json.Unmarshal(out, &m); err != nil {
				t.Fatal(err)
			}
			all = append(all, m)
		}
	}
	return all
}

// TestOperateKubernetes asks a process that is started with the arguments of the
// container what the probes ask, and compares the times.
func TestOperateKubernetes(t *testing.T) {
	all := manifests(t)
	if len(all) != 2 || all[0].Kind != "ConfigMap" || all[1].Kind != "Deployment" {
		t.Fatalf("the page has %d resources: %+v", len(all), all)
	}
	pod := all[1].Spec.Template.Spec
	c := pod.Containers[0]
	if wait := regexp.MustCompile(`timeout = "(\d+)s"`).FindStringSubmatch(all[0].Data["edge.hcl"]); wait == nil {
		t.Error("the flow does not say how long its end may take")
	} else if n, _ := strconv.Atoi(wait[1]); n >= pod.TerminationGracePeriodSeconds {
		t.Errorf("Kubernetes waits %d seconds for the end, which may take %d", pod.TerminationGracePeriodSeconds, n)
	}

	dir, ctx := t.TempDir(), withPatience(t)
	for name, text := range map[string]string{"edge.hcl": all[0].Data["edge.hcl"], "admin-tokens": "secret\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{"server", "run", "--admin", "127.0.0.1:8686"} // of the image
	for _, a := range c.Args {
		a = strings.NewReplacer("0.0.0.0:8686", "127.0.0.1:0", "/tokens/", dir+"/", "/flows/", dir+"/").Replace(a)
		args = append(args, a)
	}
	text := strings.Replace(all[0].Data["edge.hcl"], "0.0.0.0:4242", "127.0.0.1:0", 1)
	if err := os.WriteFile(filepath.Join(dir, "edge.hcl"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := process.Start(ctx, process.Options{Dir: dir}, built(t), args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	if _, err := p.Listening(ctx, "edge"); err != nil {
		t.Fatal(err)
	}
	admin := regexp.MustCompile(`the admin API listens on (http://\S+)`).FindStringSubmatch(p.Stderr.String())
	if admin == nil {
		t.Fatalf("there is no admin API:\n%s", p.Stderr)
	}
	for _, probe := range []string{c.StartupProbe.HTTPGet.Path, c.LivenessProbe.HTTPGet.Path, c.ReadinessProbe.HTTPGet.Path} {
		awaitOK(t, ctx, admin[1]+probe)
	}
}

// awaitOK asks until the answer is 200.
func awaitOK(t *testing.T, ctx context.Context, url string) {
	t.Helper()
	for again := time.NewTicker(10 * time.Millisecond); ; {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatalf("%s: %v", url, err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode == http.StatusOK {
			return
		}
		<-again.C
	}
}

func withPatience(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// TestOperateUpgrade replaces a process by another one beside it, with the page's
// commands, while clients come.
func TestOperateUpgrade(t *testing.T) {
	var shown []string
	for _, text := range textsOf(t, operators, "sh") {
		shown = append(shown, strings.Split(strings.TrimSpace(text), "\n")...)
	}
	if len(shown) != 3 {
		t.Fatalf("the page shows %d commands: %q", len(shown), shown)
	}
	dir, ctx := t.TempDir(), withPatience(t)
	edge, adminOld, adminNew := flowtest.FreeAddress(t), flowtest.FreeAddress(t), flowtest.FreeAddress(t)
	for name, text := range map[string]string{"admin-tokens": "secret\n", "edge.hcl": fmt.Sprintf(`
flow {
  drain {
    delay = "300ms"
    code  = 1012
  }
}

connector "ws_server" "edge" {
  url   = %q
  codec = "json"
  socket_options {
    reuse_port = true
  }
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
`, edge)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(command string) *process.Process {
		t.Helper()
		command = strings.NewReplacer("flowrun ", "exec "+built(t)+" ", "127.0.0.1:8686", adminOld, "127.0.0.1:8687", adminNew).Replace(command)
		p, err := process.Start(ctx, process.Options{Dir: dir}, "sh", "-c", command)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Kill)
		return p
	}
	listens := func(p *process.Process) {
		t.Helper()
		if _, err := p.Listening(ctx, "edge"); err != nil {
			t.Fatal(err)
		}
	}
	before := run(strings.Replace(shown[0], "8687", "8686", 1))
	listens(before)
	stays, _, err := websocket.Dial(ctx, "ws://"+edge, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer stays.CloseNow()
	stop, served := make(chan struct{}), make(chan int)
	go func() { served <- comers(t, ctx, edge, stop) }()

	after := run(shown[0])
	listens(after)
	awaitOK(t, ctx, "http://"+adminNew+"/readyz")
	for _, command := range shown[1:] {
		if p := run(command); true {
			if code, err := p.Wait(ctx); code != 0 || err != nil {
				t.Errorf("%s: exit code %d, %v: %s", command, code, err, p.Stderr)
			}
		}
	}
	if _, _, err := stays.Read(ctx); websocket.CloseStatus(err) != websocket.StatusServiceRestart {
		t.Errorf("who was connected is told %v", err)
	}
	if code, err := before.Wait(ctx); code != 0 || err != nil {
		t.Errorf("the old process ends with %d, %v: %s", code, err, before.Stderr)
	}
	close(stop)
	t.Logf("%d clients came and were served", <-served)
}

// comers are clients that come one after the other, until stop is closed, none of
// which may be refused: it is only right at the end of a listener that the system
// resets one that it has not handed over.
func comers(t *testing.T, ctx context.Context, addr string, stop <-chan struct{}) (served int) {
	reset := 0
	for {
		select {
		case <-stop:
			return served
		default:
		}
		c, _, err := websocket.Dial(ctx, "ws://"+addr, nil)
		switch {
		case err == nil:
			served++
			_ = c.CloseNow()
		case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF):
			if reset++; reset > 1 {
				t.Errorf("a second client is reset: %v", err)
			}
		default:
			t.Errorf("after %d clients, one is refused: %v", served, err)
		}
	}
}
