package config

import (
	"strings"

	"journalpump/filters/search"
	"journalpump/filters/secret"
	"journalpump/internal/conf"
)

// validatePatterns reports secret filters and searches that cannot be run.
func (r *Reader) validatePatterns(c *Config) {
	list, _ := r.object.Get("secret_filters").List()
	for _, v := range list {
		if o, ok := v.Object(); ok {
			validateSecretFilter(o)
		}
	}
	var options search.Options
	if c.GeoIPDatabase != "" {
		options.Geo = nowhere{}
	}
	list, _ = r.object.Get("searches").List()
	for _, v := range list {
		if o, ok := v.Object(); ok {
			validateSearch(o, options)
		}
	}
}

func validateSecretFilter(o *conf.Object) {
	var filter secret.Config
	if !o.DecodeSome(&filter) {
		return // reported
	}
	if filter.Pattern == "" {
		o.Errorf("pattern", "is missing")
	}
	if o.Get("replacement").IsNull() {
		o.Errorf("replacement", `is missing; "" leaves out what is found`)
	}
	_, err := secret.New([]secret.Config{filter})
	for _, err := range split(err) {
		if e, ok := err.(*secret.Error); ok { //nolint:errorlint // split has undone the wrapping
			o.Errorf(e.Key, "%v", e.Err)
		} else {
			o.Errorf("", "%v", err)
		}
	}
}

func validateSearch(o *conf.Object, options search.Options) {
	var config search.Config
	if !o.DecodeSome(&config) {
		return // reported
	}
	_, err := search.New([]search.Config{config}, options)
	for _, err := range split(err) {
		e, ok := err.(*search.Error) //nolint:errorlint // split has undone the wrapping
		if !ok {
			o.Errorf("", "%v", err)
			continue
		}
		section, name, nested := strings.Cut(e.Key, ".")
		if in, ok := o.Object(section); ok && nested {
			in.Errorf(name, "%v", e.Err)
		} else {
			o.Errorf(e.Key, "%v", e.Err)
		}
	}
}

// split returns the errors that errors.Join put together.
func split(err error) []error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

// nowhere stands for a database of places while only the configuration is judged.
type nowhere struct{}

func (nowhere) Locate(string) (lat, lon float64, ok bool) { return 0, 0, false }
