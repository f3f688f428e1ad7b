package runner

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/compare"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/runner/process"
)

// WriteJSON writes what came of a run for programs.
func WriteJSON(w io.Writer, results []*Result, took time.Duration) error {
	type failure struct {
		File    string `json:"file"`
		Line    int    `json:"line"`
		Message string `json:"message"`
		Detail  string `json:"detail,omitempty"`
	}
	type output struct {
		Process string `json:"process"`
		Ending  string `json:"ending"`
		Stdout  string `json:"stdout"`
		Stderr  string `json:"stderr"`
	}
	type entry struct {
		Name     string    `json:"name"`
		Kind     string    `json:"kind"`
		File     string    `json:"file"`
		Line     int       `json:"line"`
		Tags     []string  `json:"tags"`
		Passed   bool      `json:"passed"`
		Start    time.Time `json:"start"`
		Seconds  float64   `json:"seconds"`
		Failures []failure `json:"failures"`
		Outputs  []output  `json:"outputs"`
		Scratch  string    `json:"scratch,omitempty"`
		Updated  []string  `json:"updated,omitempty"`
		Measured *Figures  `json:"measured,omitempty"`
	}
	passed, failed := Count(results)
	report := struct {
		Passed  int     `json:"passed"`
		Failed  int     `json:"failed"`
		Seconds float64 `json:"seconds"`
		Cases   []entry `json:"cases"`
	}{passed, failed, took.Seconds(), []entry{}}
	for _, r := range results {
		e := entry{
			Name: r.Name, Kind: string(r.Kind), File: r.At.File, Line: r.At.Line, Tags: append([]string{}, r.Tags...), Passed: r.Passed(),
			Start: r.Start, Seconds: r.Took.Seconds(), Failures: []failure{}, Outputs: []output{}, Scratch: r.Scratch, Updated: r.Updated, Measured: r.Measured,
		}
		for _, f := range r.Failures {
			e.Failures = append(e.Failures, failure{f.At.File, f.At.Line, f.Message, f.Detail})
		}
		for _, o := range r.Outputs {
			e.Outputs = append(e.Outputs, output(o))
		}
		report.Cases = append(report.Cases, e)
	}
	text, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	return err
}

// WriteJUnit writes what came of a run in the form that CI systems read: a
// suite for each folder, a testcase for each case.
func WriteJUnit(w io.Writer, results []*Result, took time.Duration) error {
	type failure struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
	type testcase struct {
		Name     string    `xml:"name,attr"`
		Class    string    `xml:"classname,attr"`
		File     string    `xml:"file,attr"`
		Line     int       `xml:"line,attr"`
		Time     string    `xml:"time,attr"`
		Failures []failure `xml:"failure"`
		Stdout   string    `xml:"system-out,omitempty"`
		Stderr   string    `xml:"system-err,omitempty"`
	}
	type suite struct {
		Name      string      `xml:"name,attr"`
		Tests     int         `xml:"tests,attr"`
		Failures  int         `xml:"failures,attr"`
		Time      string      `xml:"time,attr"`
		Timestamp string      `xml:"timestamp,attr"`
		Cases     []*testcase `xml:"testcase"`
		took      time.Duration
	}
	_, failed := Count(results)
	all := struct {
		XMLName  xml.Name `xml:"testsuites"`
		Tests    int      `xml:"tests,attr"`
		Failures int      `xml:"failures,attr"`
		Time     string   `xml:"time,attr"`
		Suites   []*suite `xml:"testsuite"`
	}{Tests: len(results), Failures: failed, Time: seconds(took)}
	suites := map[string]*suite{}
	for _, r := range results {
		folder, name := path.Split(r.Name)
		folder = strings.TrimSuffix(folder, "/")
		s := suites[folder]
		if s == nil {
			s = &suite{Name: folder, Timestamp: r.Start.UTC().Format("2006-01-02T15:04:05")}
			suites[folder] = s
			all.Suites = append(all.Suites, s)
		}
		c := &testcase{Name: name, Class: strings.ReplaceAll(folder, "/", "."), File: r.At.File, Line: r.At.Line, Time: seconds(r.Took)}
		for _, f := range r.Failures {
			c.Failures = append(c.Failures, failure{compare.Readable([]byte(f.Message)), compare.Readable([]byte(place(f) + f.Message + "\n" + f.Detail))})
		}
		for _, o := range r.Outputs {
			c.Stdout += section(o, o.Stdout)
			c.Stderr += section(o, o.Stderr)
		}
		s.Cases = append(s.Cases, c)
		s.Tests++
		if s.took += r.Took; !r.Passed() {
			s.Failures++
		}
		s.Time = seconds(s.took)
	}
	text, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, text)
	return err
}

func section(o process.Account, text string) string {
	if text == "" {
		return ""
	}
	return fmt.Sprintf("== %s, which %s\n%s\n", o.Process, o.Ending, text)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }

func place(f Failure) string {
	if f.At.File == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d: ", f.At.File, f.At.Line)
}

// Count counts the cases that have passed and those that have failed.
func Count(results []*Result) (passed, failed int) {
	for _, r := range results {
		if r.Passed() {
			passed++
		} else {
			failed++
		}
	}
	return passed, failed
}

// Annotate writes failures as GitHub shows them beside the lines that they
// concern.
func Annotate(w io.Writer, r *Result) {
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	for _, f := range r.Failures {
		text := f.Message
		if f.Detail != "" {
			text += "\n" + f.Detail
		}
		fmt.Fprintf(w, "::error file=%s,line=%d,title=%s::%s\n", property.Replace(f.At.File), max(f.At.Line, 1), property.Replace(r.Name), data.Replace(text))
	}
}
