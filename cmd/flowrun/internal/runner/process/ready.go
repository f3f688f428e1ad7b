package process

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/flowrun/flowrun/flows/testfile"
)

// pollEvery is how often the world is asked whether a process is ready.
const pollEvery = 10 * time.Millisecond

// Await waits until all that ready asks for is true of the process. The error
// says what is not, and why it is waited for no longer.
func Await(ctx context.Context, p *Process, ready *testfile.Ready, dir string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, time.Duration(ready.Timeout), fmt.Errorf("not within %s", ready.Timeout))
	defer cancel()
	for _, condition := range conditions(ready, dir, p) {
		switch err := condition.await(ctx, p); {
		case errors.Is(err, errEnded):
			return fmt.Errorf("%s %s before it was ready: %s", p.Title, p.Ending(), condition.missing)
		case err != nil:
			return fmt.Errorf("%s is not ready: %s: %w", p.Title, condition.missing, err)
		}
	}
	return nil
}

// errEnded says that a process has ended before it was ready.
var errEnded = errors.New("the process has ended")

// condition is one thing that makes a process ready.
type condition struct {
	missing string // what is told while it is not true
	holds   func(ctx context.Context) bool
}

func conditions(ready *testfile.Ready, dir string, p *Process) (all []condition) {
	if ready.Port > 0 {
		all = append(all, condition{fmt.Sprintf("nothing listens on port %d", ready.Port), func(ctx context.Context) bool {
			return listens(ctx, ready.Port)
		}})
	}
	if ready.HTTP != "" {
		all = append(all, condition{ready.HTTP + " is not answered well", func(ctx context.Context) bool { return answers(ctx, ready.HTTP) }})
	}
	if ready.File != "" {
		all = append(all, condition{"there is no file " + ready.File, func(context.Context) bool {
			path := filepath.FromSlash(ready.File)
			if !filepath.IsAbs(path) {
				path = filepath.Join(dir, path)
			}
			_, err := os.Stat(path)
			return err == nil
		}})
	}
	if re := ready.Log.Regexp; re != nil {
		all = append(all, condition{fmt.Sprintf("no line matches %q", ready.Log.Text), func(context.Context) bool {
			return re.Match(p.Stderr.Bytes()) || re.Match(p.Stdout.Bytes())
		}})
	}
	return all
}

func (c *condition) await(ctx context.Context, p *Process) error {
	again := time.NewTicker(pollEvery)
	defer again.Stop()
	for {
		ended := p.Done() // what it printed last counts, and what it wrote
		if c.holds(ctx) {
			return nil
		}
		if ended {
			return errEnded
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-p.ended:
		case <-again.C:
		}
	}
}

func listens(ctx context.Context, port uint16) bool {
	for _, host := range []string{"127.0.0.1", "::1"} {
		d := net.Dialer{Timeout: time.Second}
		c, err := d.DialContext(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(int(port))))
		if err == nil {
			_ = c.Close()
			return true
		}
	}
	return false
}

func answers(ctx context.Context, url string) bool {
	if !strings.Contains(url, "://") {
		url = "http://" + url
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode < 400
}
