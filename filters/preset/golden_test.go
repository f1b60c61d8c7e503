package preset

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"journalpump/filters"
	"journalpump/filters/condition"
	"journalpump/filters/format"
	"journalpump/pump"
)

// The example records of mod_kafka's documentation, made of what proftpd writes to the journal: its own messages for the
// beginning and end of a session, and an ExtendedLog to syslog with the format of the module's examples and a %T.
func TestTheRecordsOfTheModulesDocumentation(t *testing.T) {
	t.Parallel()
	f, err := format.New(&format.Config{Line: "%u %m %b %T %{iso8601}"}, noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	all := Events()
	set, err := condition.New([]condition.Named{
		{Name: Connect, When: all[Connect].When}, {Name: Disconnect, When: all[Disconnect].When}, {Name: "proftpd", When: all["proftpd"].When},
	})
	if err != nil {
		t.Fatal(err)
	}
	view, err := filters.NewView(filters.NewStage(filters.StageConfig{}), filters.ViewConfig{
		Events: filters.Events{Conditions: set, Connect: []int{0}, Disconnect: []int{1}},
		Routes: []filters.RouteConfig{{Route: &pump.Route{Name: "ftp"}, On: []int{2}, Format: f}},
	})
	if err != nil {
		t.Fatal(err)
	}
	const session = "ftp.example.org (client.example.net[192.0.2.7]) - "
	const command = "client.example.net UNKNOWN "
	for _, tc := range []struct {
		millis        uint64 // of 2013-08-21 23:08:22
		message, want string
	}{
		{171, session + "FTP session opened.", `{"connecting":true,"timestamp":"2013-08-21 23:08:22,171"}`},
		{278, command + `- [21/Aug/2013:23:08:22 +0000] "USER proftpd" 331 - -`, `{"command":"USER","timestamp":"2013-08-21 23:08:22,278"}`},
		{305, command + `proftpd [21/Aug/2013:23:08:22 +0000] "PASS (hidden)" 230 - -`, `{"user":"proftpd","command":"PASS","timestamp":"2013-08-21 23:08:22,305"}`},
		{317, command + `proftpd [21/Aug/2013:23:08:22 +0000] "PASV" 227 - -`, `{"user":"proftpd","command":"PASV","timestamp":"2013-08-21 23:08:22,317"}`},
		{329, command + `proftpd [21/Aug/2013:23:08:22 +0000] "LIST" 226 432 4.211`, `{"user":"proftpd","command":"LIST","bytes_sent":432,"transfer_secs":4.211,"timestamp":"2013-08-21 23:08:22,329"}`},
		{336, command + `proftpd [21/Aug/2013:23:08:22 +0000] "QUIT" 221 - -`, `{"user":"proftpd","command":"QUIT","timestamp":"2013-08-21 23:08:22,336"}`},
		// The module knows the session's user still; of the journal's messages, only this one is looked at.
		{348, session + "FTP session closed.", `{"disconnecting":true,"timestamp":"2013-08-21 23:08:22,348"}`},
	} {
		c := chunkOf(identified("proftpd", tc.message))
		c.Entries[0].Position.Realtime = 1377126502000000 + tc.millis*1000
		if diff := cmp.Diff(tc.want, string(view.Render(c).Records[0].Body)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.message, diff)
		}
	}
}
