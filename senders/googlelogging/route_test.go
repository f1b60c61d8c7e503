package googlelogging

import (
	"strings"
	"testing"

	"journalpump/pump"
	"journalpump/senders/sendertest"
)

func TestRoutesHaveLogsOfTheirOwn(t *testing.T) {
	n, err := newLogName("p", "own")
	if err != nil {
		t.Fatal(err)
	}
	s := &sender{name: n, routes: map[string]*logName{}}
	b := sendertest.Routed(sendertest.Batch(0, 2), &pump.Route{Name: "own"}, &pump.Route{Name: "audit", To: "audit/x"},
		&pump.Route{Name: "units", To: "units.{_SYSTEMD_UNIT}"})
	var got []string
	for i := range b.Records {
		got = append(got, s.entry(&b.Records[i]).GetLogName())
	}
	const want = "projects/p/logs/own projects/p/logs/audit%2Fx projects/p/logs/units.unit-0.service " +
		"projects/p/logs/own projects/p/logs/audit%2Fx projects/p/logs/units.unit-1.service"
	if text := strings.Join(got, " "); text != want {
		t.Errorf("got %s, want %s", text, want)
	}
}
