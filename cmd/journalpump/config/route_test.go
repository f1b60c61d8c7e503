package config

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const routed = `{
	"events": {"a": {"units": "a.service"}, "CONNECT": {"units": "connect.service"}},
	"formats": {"line": "%{iso8601} %a"},
	"readers": {"r": {
		"events": {"a": {"units": "own.service"}},
		"senders": {
			"bus": {"output_type": "kafka", "kafka_address": "k:9092", "kafka_topic": "own", "routes": [
				{"on": "a", "format": "line"},
				{"on": ["a", "ALL"], "topic": "all.{_SYSTEMD_UNIT}"},
				{"format": "sshd", "topic": "x", "name": "sshd lines"},
				{}
			]},
			"out": {"output_type": "stdout", "on": "a"},
			"recorder": {"output_type": "stdout", "flight_recorder": {"criteria": ["a", "sshd.failed"]}},
			"plain": {"output_type": "stdout"}
		}
	}}
}`

func TestRoutes(t *testing.T) {
	c := parseGood(t, routed)
	r := c.Readers[0]
	view, err := r.Senders[0].viewConfig(c, r)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, route := range view.Routes {
		got = append(got, fmt.Sprintf("%s|%s|%s|%v|%t", route.Route.Name, route.Route.To, route.Route.Mark, route.On, route.Format != nil))
	}
	want := []string{
		"line|line|line|[0]|true",
		"all.{_SYSTEMD_UNIT}|all.{_SYSTEMD_UNIT}|" + mark("all.{_SYSTEMD_UNIT}") + "|[]|false",
		"sshd lines|x|" + mark("sshd lines") + "|[]|true",
		"all||all|[]|false",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("routes (-want +got):\n%s", diff)
	}
	if names := view.Events.Conditions.Names(); strings.Join(names, " ") != "a CONNECT DISCONNECT" || view.Events.Connect[0] != 1 || view.Events.Disconnect[0] != 2 {
		t.Errorf("events %v, %v begin and %v end sessions", names, view.Events.Connect, view.Events.Disconnect)
	}
	if view, err = r.Senders[1].viewConfig(c, r); err != nil || len(view.Routes) != 1 || view.Routes[0].Route.Mark != "" || view.Routes[0].Route.To != "" {
		t.Errorf("the sender with events only has %+v, %v", view.Routes, err)
	}
	if view, err = r.Senders[3].viewConfig(c, r); err != nil || len(view.Routes) != 0 {
		t.Errorf("the sender without events has %+v, %v", view.Routes, err)
	}
}

func TestWhatRoutesReferToIsInFingerprints(t *testing.T) {
	was := build(t, newBuilder(), routed)[0]
	for change, want := range map[[2]string][4]bool{ // which of the senders change
		{`own.service`, `other.service`}:                 {true, true, true, false},
		{`"units": "a.service"`, `"units": "b.service"`}: {false, false, false, false}, // the reader's own counts
		{`%{iso8601} %a`, `%{iso8601} %u`}:               {true, false, false, false},
		{`connect.service`, `connect2.service`}:          {true, true, false, false},
		{`"topic": "x"`, `"topic": "y"`}:                 {true, false, false, false},
	} {
		is := build(t, newBuilder(), strings.Replace(routed, change[0], change[1], 1))[0]
		if is.Fingerprint != was.Fingerprint {
			t.Errorf("%v: the reader changes", change)
		}
		for i := range is.Senders {
			if changed := is.Senders[i].Fingerprint != was.Senders[i].Fingerprint; changed != want[i] {
				t.Errorf("%v: %s changes: %t", change, is.Senders[i].Name, changed)
			}
		}
	}
}
