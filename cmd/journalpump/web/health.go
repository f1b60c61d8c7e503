package web

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"journalpump/pump"
)

// readiness is what /readyz says.
type readiness struct {
	Ready   bool     `json:"ready"`
	Reasons []string `json:"reasons"` // why it is not
}

// healthz says whether the process is worth keeping: only what a restart may help is against it.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	if s.opts.Agent.Stuck() {
		answer(w, http.StatusServiceUnavailable, "something is stuck, a restart may help")
		return
	}
	answer(w, http.StatusOK, "ok")
}

// readyz says whether everything that is configured works: readers have something to read from, senders are connected.
// The reasons are for those who may see them.
func (s *Server) readyz(authorised func(*http.Request) bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		out := readiness{Reasons: unready(take(r.Context(), s.opts.Agent))}
		if s.opts.Agent.Stuck() {
			out.Reasons = append(out.Reasons, "something is stuck")
		}
		out.Ready = len(out.Reasons) == 0
		code := http.StatusOK
		if !out.Ready {
			code = http.StatusServiceUnavailable
		}
		if !authorised(r) {
			out.Reasons = []string{}
		}
		if strings.Contains(r.Header.Get("Accept"), "application/json") {
			answerJSON(w, code, out)
			return
		}
		text := "not ready\n" + strings.Join(out.Reasons, "\n")
		if out.Ready {
			text = "ready"
		}
		answer(w, code, text)
	}
}

// unready says what does not work.
func unready(s pump.Snapshot) []string {
	reasons := []string{}
	if len(s.Readers) == 0 {
		reasons = append(reasons, "no reader runs")
	}
	for _, reader := range slices.Sorted(maps.Keys(s.Readers)) {
		r := s.Readers[reader]
		if r.Waiting != "" {
			reasons = append(reasons, fmt.Sprintf("reader %s waits: %s", reader, r.Waiting))
		}
		for _, name := range slices.Sorted(maps.Keys(r.Senders)) {
			sender := r.Senders[name]
			switch {
			case sender.Health == pump.Connected:
			case sender.LastError == "":
				reasons = append(reasons, fmt.Sprintf("sender %s/%s is %s", reader, name, sender.Health))
			default:
				reasons = append(reasons, fmt.Sprintf("sender %s/%s is %s: %s", reader, name, sender.Health, sender.LastError))
			}
		}
	}
	return reasons
}

func answer(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	fmt.Fprintln(w, strings.TrimSpace(text))
}

func answerJSON(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v) // who has gone away gets nothing
}
