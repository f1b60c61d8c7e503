// Package browser looks at the status page as people do: the real program, and a real browser without a window. What the
// page looks like is in build/screenshots afterwards.
package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"journalpump/test/journald"
	"journalpump/test/program"
)

func TestMain(m *testing.M) { program.Main(m) }

// page is a tab of a browser.
type page struct {
	ctx context.Context

	mu     sync.Mutex
	errors []string // what its console complained of
}

// open starts a browser, which ends with the test.
func open(t *testing.T) *page {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium here")
	}
	// Its directory is not the test's: what it leaves running for a moment writes there yet, and chromedp removes it patiently.
	options := slices.Concat(chromedp.DefaultExecAllocatorOptions[:], []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.WSURLReadTimeout(program.Patience), // which is how long a busy machine may take to start it
	})
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	p := new(page)
	p.ctx, cancel = chromedp.NewContext(ctx, chromedp.WithListener(p.listen))
	t.Cleanup(cancel)
	if _, err := chromedp.Call(p.ctx, log.Enable, cdp.Empty{}); err != nil {
		t.Fatalf("starting the browser: %v", err)
	}
	return p
}

// listen notes what the console complains of: exceptions, errors, what the page's policy forbids.
func (p *page) listen(event any) {
	var text string
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		text = "exception: " + e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
	case *runtime.EventConsoleAPICalled:
		text = fmt.Sprintf("console.%s", e.Type)
	case *log.EventEntryAdded:
		text = fmt.Sprintf("%s: %s %s", e.Entry.Level, e.Entry.Text, e.Entry.URL)
	default:
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.errors = append(p.errors, text)
}

func (p *page) complaints() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.errors)
}

// ask evaluates JavaScript.
func ask[T any](t *testing.T, p *page, script string) T {
	t.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](script))
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	return v
}

// until waits for a condition in JavaScript.
func (p *page) until(t *testing.T, what, condition string) {
	t.Helper()
	limit := time.Now().Add(program.Patience)
	for !ask[bool](t, p, condition) {
		if time.Now().After(limit) {
			t.Fatalf("waited %v in vain: %s; the page says:\n%s\nits console: %q", program.Patience, what, ask[string](t, p, "document.body.innerText"), p.complaints())
		}
		program.Pause(t, 50*time.Millisecond)
	}
}

// look sets the window and the colour scheme and keeps a picture of the whole page.
func (p *page) look(t *testing.T, name string, width int64, scheme string) {
	t.Helper()
	if _, err := chromedp.Run(p.ctx, chromedp.EmulateViewport(width, 900)); err != nil {
		t.Fatal(err)
	}
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	if _, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, media); err != nil {
		t.Fatal(err)
	}
	picture, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(program.Root(t), "build", "screenshots")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o600); err != nil {
		t.Fatal(err)
	}
}

// hostile is a name that would be trouble where names became markup.
const hostile = `<img src=x onerror="document.title='owned'">`

type object = map[string]any

func writeConfig(t *testing.T, path string, config object) {
	t.Helper()
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// rowOf finds the row of a sender in JavaScript.
func rowOf(name string) string {
	return `[...document.querySelectorAll("tr[data-row=sender]")].find(tr => tr.querySelector(".name").textContent === ` + strconv.Quote(name) + `)`
}

func TestStatusPage(t *testing.T) {
	t.Parallel()
	p := open(t)
	j := journald.Start(t)
	conn := j.Native(t)
	say := func(n int) {
		for i := range n {
			if err := conn.Message(fmt.Sprintf("entry %d", i)); err != nil {
				t.Fatal(err)
			}
		}
		j.Sync(t)
	}
	say(40)
	dir, address := t.TempDir(), program.FreeAddress(t)
	config := filepath.Join(dir, "config.json")
	writeConfig(t, config, object{
		"json_state_file_path": filepath.Join(dir, "state.json"),
		"listen":               address,
		"readers": object{
			"host": object{
				"journal_path": j.Dir,
				"searches":     []object{{"name": "entries.seen", "fields": object{"MESSAGE": "entry"}}},
				"senders": object{
					"archive": object{"output_type": "file", "file_output": filepath.Join(dir, "out")},
					hostile:   object{"output_type": "rsyslog", "rsyslog_server": "127.0.0.1", "rsyslog_port": program.FreePort(t)},
				},
			},
			"absent": object{"journal_path": filepath.Join(dir, "none"), "senders": object{
				"later": object{"output_type": "file", "file_output": filepath.Join(dir, "later")},
			}},
		},
	})
	pump := program.Start(t, nil, config)
	program.Until(t, "it listens", func() bool { return strings.Contains(pump.Output(), "serving status and metrics") })

	if err := chromedp.Do(p.ctx, chromedp.Navigate("http://"+address+"/")); err != nil {
		t.Fatal(err)
	}
	p.until(t, "the page is live and has all senders", `document.body.className === "is-live" && document.querySelectorAll("tr[data-row=sender]").length === 3`)
	archive := rowOf("host/archive")
	accepted := func(n int) string { return fmt.Sprintf(`%s.cells[4].firstChild.textContent === "%d"`, archive, n) }
	p.until(t, "what was there is accepted", accepted(40))
	showsAll(t, p)
	say(60)
	p.until(t, "the new entries arrive without being asked for", accepted(100))
	p.until(t, "there is a curve", archive+`.querySelector(".curve").getAttribute("d").includes("L")`)
	fits(t, p)
	if c := p.complaints(); len(c) > 0 {
		t.Errorf("the console complains: %q", c)
	}

	pump.Kill(t)
	p.until(t, "the page says that it is stale", `document.body.className === "is-stale" && document.getElementById("live").textContent.startsWith("Connection lost")`)
	p.look(t, "stale", 1200, "light")
	program.Start(t, nil, config)
	p.until(t, "it connects again", `document.body.className === "is-live"`)
}

func showsAll(t *testing.T, p *page) {
	t.Helper()
	failing := rowOf("host/" + hostile)
	p.until(t, "the sender that cannot connect is failing", failing+`.querySelector(".state").textContent === "failing"`)
	p.until(t, "and the reason is shown", failing+`.nextSibling.textContent.includes("connection refused")`)
	for script, want := range map[string]string{
		archiveState: "keeps up",
		rowOf("absent/later") + `.querySelector(".state").textContent`:                                                                  "waiting",
		`document.getElementById("verdict").textContent`:                                                                                "2 of 3 senders are in trouble",
		`document.querySelector("tr[data-row=reader] .name").textContent`:                                                               "absent",
		`document.querySelector("#searches tr").cells[1].textContent`:                                                                   "entries.seen",
		`String(document.querySelectorAll("img, b").length)`:                                                                            "0",
		`String(document.title.includes("owned"))`:                                                                                      "false",
		`document.querySelector("#senders td").getAttribute("role")`:                                                                    "cell",
		`String(performance.getEntriesByType("resource").every(e => e.name.startsWith(location.origin) || e.name.startsWith("data:")))`: "true",
	} {
		if got := ask[string](t, p, script); got != want {
			t.Errorf("%s: got %q, want %q", script, got, want)
		}
	}
}

var archiveState = rowOf("host/archive") + `.querySelector(".state").textContent`

// contrast returns what text there is whose contrast with what is behind it is below 4.5:1 (WCAG 2.2, 1.4.3).
const contrast = `(() => {
	const channel = c => (c /= 255) <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4;
	const rgb = text => text.match(/[\d.]+/g).map(Number);
	const luminance = ([r, g, b]) => .2126 * channel(r) + .7152 * channel(g) + .0722 * channel(b);
	const behind = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c; } };
	const bad = [];
	for (const e of document.querySelectorAll("body *")) {
		if (e.closest("svg, script, noscript") || !e.checkVisibility() || ![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
		const [a, b] = [luminance(rgb(getComputedStyle(e).color)), luminance(behind(e))];
		const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
		if (ratio < 4.5) bad.push(e.textContent + " " + ratio.toFixed(2));
	}
	return bad;
})()`

func fits(t *testing.T, p *page) {
	t.Helper()
	backgrounds := map[string]string{}
	for _, scheme := range []string{"light", "dark"} {
		for name, width := range map[string]int64{"phone": 360, "tablet": 820, "desktop": 1200, "laptop": 1060} {
			p.look(t, name+"-"+scheme, width, scheme)
			if wide := ask[int64](t, p, "document.documentElement.scrollWidth"); wide > width {
				t.Errorf("%s: the page is %d wide, the window %d", name, wide, width)
			}
			if cut := ask[int](t, p, `[...document.querySelectorAll(".card")].filter(e => e.scrollWidth > e.clientWidth).length`); cut > 0 {
				t.Errorf("%s: %d tables are wider than their frame", name, cut)
			}
			if bad := ask[[]string](t, p, contrast); len(bad) > 0 {
				t.Errorf("%s, %s: too little contrast: %q", name, scheme, bad)
			}
		}
		backgrounds[scheme] = ask[string](t, p, "getComputedStyle(document.body).backgroundColor")
	}
	if backgrounds["light"] == backgrounds["dark"] {
		t.Errorf("light and dark have the same background: %s", backgrounds["light"])
	}
}
