package config

import (
	"fmt"
	"os"

	"journalpump/internal/conf"
	"journalpump/senders"
)

// maxFile is how large a configuration may be: far more than any, and no mistake for a log file.
const maxFile = 16 << 20

// Load reads a configuration file and judges all of it that can be judged without looking at the machine. The Config is
// never nil, but of use only if the report has no errors.
func Load(path string) (*Config, *conf.Report) {
	src, err := read(path)
	if err != nil {
		report := conf.NewReport(path)
		report.Errorf("%v", err)
		return defaultConfig(), report
	}
	return Parse(path, src)
}

func read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("cannot be read: %w", reason(err))
	case info.Mode().IsRegular() && info.Size() > maxFile:
		return nil, fmt.Errorf("is larger than %s", conf.Size(maxFile))
	}
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", reason(err))
	}
	return src, nil
}

// Parse is Load of a file that has been read.
func Parse(file string, src []byte) (*Config, *conf.Report) {
	root, report := conf.Parse(file, src)
	c := defaultConfig()
	c.object = root
	if report.HasErrors() && len(root.Keys()) == 0 {
		return c, report // not JSON; what follows would only be noise
	}
	know(report)
	var top namedReaders
	root.Decode(c, &top)
	if top.Readers != nil {
		for name, v := range top.Readers.Members() {
			c.addReader(name, v)
		}
	}
	c.validate()
	return c, report
}

// Level is a place in the file whose keys are decoded into structs. What these have as objects are levels too.
type Level struct {
	Path    string // with NAME for names that are the user's; "": the top
	Kind    string // the output_type that a sender has these keys with; "": any
	Structs []any  // pointers to the structs, filled with defaults
}

// Levels returns all levels that are in no struct.
func Levels() []Level {
	const sender = "readers.NAME.senders.NAME"
	c := defaultConfig()
	kinds := senders.Kinds()
	levels := append(make([]Level, 0, 3+len(kinds)),
		Level{Path: "", Structs: []any{c, &namedReaders{}}},
		Level{Path: "readers.NAME", Structs: append(defaultReader(c).settings(), &namedSenders{})},
		Level{Path: sender, Structs: []any{&SenderSettings{}}})
	for _, k := range kinds {
		levels = append(levels, Level{Path: sender, Kind: k.Name, Structs: []any{k.New()}})
	}
	return levels
}

// know tells the report the keys of levels that the file may lack, for its hints about unknown keys.
func know(report *conf.Report) {
	for _, l := range Levels() {
		if l.Kind != "" {
			report.KnowOnlyWith(l.Path, "output_type", l.Kind, l.Structs...)
		} else {
			report.Know(l.Path, l.Structs...)
		}
	}
}

func (c *Config) addReader(name string, v conf.Value) {
	o, ok := v.Object()
	if !ok {
		v.Errorf("must be an object, not %s", v.Kind())
		return
	}
	r := defaultReader(c)
	r.Name, r.object = name, o
	var below namedSenders
	o.Decode(append(r.settings(), &below)...)
	if below.Senders != nil {
		for name, v := range below.Senders.Members() {
			r.addSender(name, v)
		}
	}
	c.Readers = append(c.Readers, r)
}

func (r *Reader) addSender(name string, v conf.Value) {
	o, ok := v.Object()
	if !ok {
		v.Errorf("must be an object, not %s", v.Kind())
		return
	}
	s := &Sender{Name: name, object: o}
	if kind, ok := kindOf(o); ok {
		s.Kind, s.Settings = kind, kind.New()
		o.Decode(&s.SenderSettings, s.Settings)
	} else {
		o.DecodeSome(&s.SenderSettings) // the other keys may well be right for the kind that is meant
	}
	r.Senders = append(r.Senders, s)
}

// meantBy says which key of an object was probably meant to be the one that is missing; "" if none.
func meantBy(o *conf.Object, key string) string {
	for _, k := range o.Keys() {
		if k != key && conf.Suggest(k, []string{key}) != "" {
			return fmt.Sprintf("; was it meant by %q?", k)
		}
	}
	return ""
}

// kindOf finds the kind of a sender, or reports what is wrong with its output_type.
func kindOf(o *conf.Object) (senders.Kind, bool) {
	output := o.Get("output_type")
	text, ok := output.Text()
	var names []string
	for _, k := range senders.Kinds() {
		if ok && k.Name == text {
			return k, true
		}
		names = append(names, k.Name)
	}
	switch {
	case output.IsNull():
		o.Errorf("output_type", "is missing; it must be one of %s%s", conf.QuoteList(names), meantBy(o, "output_type"))
	case !ok: // decoding says so
	default:
		output.Errorf("%q is no output type; this build has %s%s", text, conf.QuoteList(names), conf.DidYouMean(text, names))
	}
	return senders.Kind{}, false
}
