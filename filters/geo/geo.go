// Package geo looks up where network addresses are, in a MaxMind City database.
package geo

import (
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/oschwald/geoip2-golang/v2"
)

// DB is a City database, read into memory. It may be used concurrently.
type DB struct {
	reader *geoip2.Reader
}

// Open reads the database at path, which may be replaced afterwards. It fails for databases that have no locations.
func Open(path string) (*DB, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the GeoIP database: %w", err)
	}
	reader, err := geoip2.OpenBytes(content)
	if err != nil {
		return nil, fmt.Errorf("reading the GeoIP database %s: %w", path, err)
	}
	// An empty answer is no error, so this only fails if the type of the database is wrong.
	if _, err := reader.City(netip.IPv4Unspecified()); err != nil {
		return nil, fmt.Errorf("the GeoIP database %s is of type %s, which has no locations: %w", path, reader.Metadata().DatabaseType, err)
	}
	return &DB{reader: reader}, nil
}

// Locate returns the latitude and longitude of a network address in degrees; ok is false if ip is no address, or its
// place is not known.
func (db *DB) Locate(ip string) (lat, lon float64, ok bool) {
	addr, err := netip.ParseAddr(strings.TrimSpace(ip))
	if err != nil {
		return 0, 0, false
	}
	city, err := db.reader.City(addr.Unmap().WithZone(""))
	if err != nil || !city.Location.HasCoordinates() {
		return 0, 0, false
	}
	return *city.Location.Latitude, *city.Location.Longitude, true
}
