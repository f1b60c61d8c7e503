package pump

import (
	"strings"
	"testing"
)

const cursor = "s=739ad463348b4ceca5a9e69c95a3c93f;i=4ece7;b=6c7c6013a26343b29e964691ff25d04c;m=4fc72436e;t=4c508a72423d3;x=d3e5610681098c10"

func TestPositionRoundTrip(t *testing.T) {
	for _, c := range []string{
		cursor,
		"",
		"s=739ad463348b4ceca5a9e69c95a3c93f;i=4ece7",
		"b=6c7c6013a26343b29e964691ff25d04c;m=0",
		"t=4c508a72423d3",
		"t=4c508a72423d3;x=0",
	} {
		p, err := ParsePosition(c)
		if err != nil {
			t.Errorf("%q: %v", c, err)
		}
		if p.String() != c {
			t.Errorf("%q became %q", c, p.String())
		}
		if got := string(p.Append([]byte("x:"))); got != "x:"+c {
			t.Errorf("appended: %q", got)
		}
	}
}

func TestParsePositionTakesWhatSystemdTakes(t *testing.T) {
	p, err := ParsePosition("t=4c508a72423d3;z=unknown;i=4ece7;s=739AD463348B4CECA5A9E69C95A3C93F")
	if err != nil {
		t.Fatal(err)
	}
	if p.Parts != HasSeqnum|HasRealtime || p.Seqnum != 0x4ece7 || p.Realtime != 0x4c508a72423d3 {
		t.Errorf("got %+v", p)
	}
}

func TestParsePositionRefuses(t *testing.T) {
	for c, want := range map[string]string{
		"nonsense":   "not KEY=VALUE",
		"s=12;i=1":   "hexadecimal digits",
		"i=1":        "names no place",
		"x=1":        "names no place",
		"i=xyz":      "invalid syntax",
		"t=":         "invalid syntax",
		"t=1;b=":     "hexadecimal digits",
		cursor + ";": "not KEY=VALUE",
		"m=1ffffffffffffffff;b=6c7c6013a26343b29e964691ff25d04c": "out of range",
	} {
		if _, err := ParsePosition(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got error %v, want one with %q", c, err, want)
		}
	}
}

func FuzzParsePosition(f *testing.F) {
	f.Add(cursor)
	f.Add("t=1")
	f.Add("s=;i=")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePosition(s)
		if err != nil {
			return
		}
		again, err := ParsePosition(p.String())
		if err != nil {
			t.Fatalf("%q became %q, which does not parse: %v", s, p.String(), err)
		}
		if again.String() != p.String() {
			t.Fatalf("%q became %q and then %q", s, p.String(), again.String())
		}
	})
}
