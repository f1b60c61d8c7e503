package geo

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLocate(t *testing.T) {
	db, err := Open(filepath.Join("testdata", "city.mmdb"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		ip       string
		lat, lon float64
		ok       bool
	}{
		{"192.0.2.17", 60.1717, 24.9349, true},
		{"::ffff:192.0.2.17", 60.1717, 24.9349, true},
		{"2001:db8::1", -33.8678, 151.2073, true},
		{"198.51.100.1", 0, 0, false}, // known, but not where it is
		{"10.1.2.3", 0, 0, false},
		{"", 0, 0, false},
		{"host.example", 0, 0, false},
		{"192.0.2.17:80", 0, 0, false},
	} {
		lat, lon, ok := db.Locate(c.ip)
		if lat != c.lat || lon != c.lon || ok != c.ok {
			t.Errorf("Locate(%q) = %v, %v, %v", c.ip, lat, lon, ok)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "broken.mmdb")
	if err := os.WriteFile(broken, []byte("not a database"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join("testdata", "none.mmdb"): "no such file",
		filepath.Join("testdata", "asn.mmdb"):  "GeoLite2-ASN, which has no locations",
		broken:                                 "broken.mmdb",
	} {
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Open(%s): %v, want %q", path, err, want)
		}
	}
}
