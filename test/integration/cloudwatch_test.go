//go:build integration

package integration

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"journalpump/test/program"
)

// moto is a server that speaks CloudWatch Logs' protocol, in memory.
type moto struct{ url string }

// numbers returns the numbers of all entries that are there; ok is false when the server, the group or the stream isn't.
func (m *moto) numbers(t *testing.T) (numbers []int, ok bool) {
	t.Helper()
	token := ""
	for {
		var page struct {
			Events []struct {
				Message string `json:"message"`
			} `json:"events"`
			Next string `json:"nextToken"`
		}
		ask := map[string]any{"logGroupName": "group", "logStreamNames": []string{"stream"}, "limit": 10000}
		if token != "" {
			ask["nextToken"] = token
		}
		if !m.call(t, "FilterLogEvents", ask, &page) {
			return nil, false
		}
		for _, e := range page.Events {
			var entry struct {
				Message string `json:"MESSAGE"`
			}
			if err := json.Unmarshal([]byte(e.Message), &entry); err != nil {
				t.Fatal(err)
			}
			numbers = append(numbers, number(t, entry.Message))
		}
		if token = page.Next; token == "" {
			return numbers, true
		}
	}
}

func (m *moto) call(t *testing.T, operation string, ask, answer any) bool {
	t.Helper()
	body, err := json.Marshal(ask)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, m.url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("X-Amz-Target", "Logs_20140328."+operation)
	// moto looks for the service and the region in here, not at the signature.
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/logs/aws4_request, SignedHeaders=host, Signature=x")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return err == nil && response.StatusCode == http.StatusOK && json.Unmarshal(text, answer) == nil
}

// The server is killed when it has stored a batch and not said so. It has nothing any more when it is started again, the group
// and the stream neither: what was there is fetched before, while the gate holds the program up.
func TestCloudWatch(t *testing.T) {
	server := filepath.Join(venv(t, "moto", "moto[server]==5.2.5"), "moto_server")
	port := freePort(t)
	m := &moto{"http://127.0.0.1:" + port}
	run := func() *daemon { return start(t, server, "-H", "127.0.0.1", "-p", port) }
	first := run()
	until(t, "moto answers", func() bool { return get(t, http.MethodGet, m.url+"/moto-api/", "") != nil })
	g := newGate(t, m.url)
	lost := g.lose(50)
	config := configure(t, numberedJournal(t), map[string]any{
		"output_type": "aws_cloudwatch", "aws_cloudwatch_log_group": "group", "aws_cloudwatch_log_stream": "stream",
		"aws_region": "us-east-1", "aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "secret", "aws_endpoint_url": g.URL,
	})
	p := program.Start(t, nil, config)
	await(t, "an answer is lost", lost)
	before, ok := m.numbers(t)
	if !ok || len(before) == 0 || len(before) >= entries {
		t.Fatalf("%d entries were there before the server was killed", len(before))
	}
	first.end(t, syscall.SIGKILL)
	g.open()
	until(t, "the program notices it", func() bool { return strings.Contains(p.Output(), "trying again") })
	run()
	until(t, "all entries are there", func() bool { return sent(t, config) == entries })
	p.Stop(t)
	after, _ := m.numbers(t)
	if again := allOnce(t, append(before, after...), batch); again == 0 {
		t.Error("the batch whose answer was lost was not sent again")
	}
}
