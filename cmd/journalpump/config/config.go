// Package config is the configuration of journalpump: the JSON that journalpump 2.5 in Python read, with every key of its
// documentation and code, and what has been added since. docs/configuration.md describes it.
//
// Load reads and judges a file, Check goes on to what depends on the machine (units, certificates, directories), and
// Config.Build turns the result into what the engine runs.
package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"journalpump/cmd/journalpump/web"
	"journalpump/filters"
	"journalpump/filters/format"
	"journalpump/filters/recorder"
	"journalpump/filters/search"
	"journalpump/filters/secret"
	"journalpump/internal/conf"
	"journalpump/internal/logging"
	"journalpump/pump"
	"journalpump/readers/journal"
	"journalpump/readers/journal/guard"
	"journalpump/senders"
)

// Config is the whole configuration.
type Config struct {
	// Where the positions of all senders are kept, see docs/state-file.md. Relative to the working directory. "" keeps none:
	// every start begins at initial_position.
	StateFile string `json:"json_state_file_path"`
	// Which of our own messages are written: "DEBUG", "INFO", "WARNING" ("WARN"), "ERROR", "CRITICAL" ("FATAL"), "NOTSET" (all),
	// or Python's numbers (10 is "DEBUG", 50 "CRITICAL").
	LogLevel LogLevel `json:"log_level"`
	// Where metrics go by UDP, see docs/metrics.md.
	Statsd *Statsd `json:"statsd"`
	// Tags of every metric.
	Tags Tags `json:"tags"`
	// A MaxMind city database (.mmdb) for the ip_to_geohash of searches.
	GeoIPDatabase string `json:"geoip_database"`
	Filters
	MatchSettings
	Buffer
	BinarySettings
	// How long a stop takes at most, whatever the destinations do (new). What is being sent may be accepted in most of it; the
	// rest is for saving the state. TimeoutStopSec= of the unit must be longer.
	StopTimeout conf.Duration `json:"stop_timeout"`
	// Where entries go that a destination refuses for good (new), see docs/dead-letters.md. Without it they are only counted.
	DeadLetterFile string `json:"dead_letter_file"`
	// How large a dead letter file becomes before it is renamed to FILE.1, in place of the one that was called so before (new).
	// 0: it grows without end.
	DeadLetterMax conf.Size `json:"dead_letter_max_bytes"`
	// Where status and metrics can be fetched over HTTP (new), see docs/metrics.md. Without it they cannot.
	Listen *web.Config `json:"listen"`

	Readers []*Reader // in the order of the file

	object *conf.Object
}

// namedReaders are the readers of the top level, whose names are the user's.
type namedReaders struct {
	// The readers by name.
	Readers *conf.Object `json:"readers"`
}

// Statsd is where metrics go. Without host or port they go nowhere.
type Statsd struct {
	// Name or address of the server.
	Host string `json:"host"`
	// Its UDP port; statsd's usual one is 8125.
	Port uint16 `json:"port"`
	// Put before every metric's name as it is, without a dot between.
	Prefix string `json:"prefix"`
	// Tags of every metric.
	Tags Tags `json:"tags"`
}

// Filters are the filters, events and formats that senders refer to by name. A reader's own come before those of the top level.
type Filters struct {
	// Field filters by name, to which the field_filter of senders refers. A reader's own come before those of the top level.
	FieldFilters map[string]filters.FieldFilterConfig `json:"field_filters"`
	// Lists of rules by name, to which the unit_log_level of senders refers. A reader's own come before those of the top level.
	UnitLogLevels map[string][]filters.UnitLogLevelConfig `json:"unit_log_levels"`
	// Events by name (new), see docs/events.md. A reader's own come before those of the top level.
	Events map[string]filters.EventConfig `json:"events"`
	// Formats by name (new), see docs/events.md. A reader's own come before those of the top level.
	Formats map[string]format.Config `json:"formats"`
}

// MatchSettings lets only entries pass whose field has a value, or which lack the field. Without a key all pass.
type MatchSettings struct {
	// The field that match_value is compared with; leading underscores don't matter. Without it everything passes.
	MatchKey string `json:"match_key"`
	// The value that the field must have, as senders see it: 3, not "3", for PRIORITY. Without it, entries pass that lack the
	// field.
	MatchValue json.RawMessage `json:"match_value"`
}

// Buffer bounds what a sender holds at a time.
type Buffer struct {
	// How many entries a sender holds at most at a time. A reader's own counts for its senders.
	MaxLength int `json:"msg_buffer_max_length"`
	// How many bytes of JSON a sender holds at most at a time; 0 leaves it to the kind of sender. A reader's own counts for its
	// senders.
	MaxBytes conf.Size `json:"msg_buffer_max_bytes"`
}

// BinarySettings says how values are written that JSON has no form for.
type BinarySettings struct {
	// How values that are not UTF-8 are written (new): as the text of a Python bytes literal (b'\xff'), in base64, or with U+FFFD
	// in place of every bad byte.
	BinaryFields BinaryFields `json:"binary_fields"`
}

// Reader is a configured source and its senders.
type Reader struct {
	Name string
	ReaderSettings
	Journal journal.Config
	Guard   guard.Config
	Senders []*Sender // in the order of the file

	object *conf.Object
}

// ReaderSettings are the settings of a reader that don't concern where it reads.
type ReaderSettings struct {
	// Where senders start that have no position in the state file: "head", "tail", or a number of seconds after this boot began.
	Initial InitialPosition `json:"initial_position"`
	// Leave out what journalpump itself logs (new).
	ExcludeSelf bool `json:"exclude_self"`
	// Patterns that are counted. When a reader has searches, entries that none of them matches are not sent.
	Searches []search.Config `json:"searches"`
	// What is redacted in MESSAGE before anything is sent, one after the other.
	SecretFilters []secret.Config `json:"secret_filters"`
	// Count messages that the secret filters changed, as the metric journal.secret_filter_match.
	SecretFilterMetrics bool `json:"secret_filter_metrics"`
	// A search that takes longer is reported as the metric journal.perform_search_regex_duration.
	SlowSearch conf.Duration `json:"threshold_for_metric_emit"`
	// Tags of every metric of this reader and its senders.
	Tags Tags `json:"tags"`
	Filters
	MatchSettings
	Buffer
	BinarySettings
}

// namedSenders are the senders of a reader, whose names are the user's.
type namedSenders struct {
	// The senders by name. A reader without any still runs its searches.
	Senders *conf.Object `json:"senders"`
}

// Sender is a configured destination.
type Sender struct {
	Name string
	SenderSettings
	Kind     senders.Kind
	Settings senders.Config // of the kind; nil if this build doesn't have it

	object *conf.Object
}

// SenderSettings are the settings that all kinds of senders have.
type SenderSettings struct {
	// The kind of sender: "file", "kafka", … Each has its own keys, see below.
	OutputType string `json:"output_type"`
	// The name of one of the field_filters.
	FieldFilter string `json:"field_filter"`
	// The name of one of the unit_log_levels.
	UnitLogLevel string `json:"unit_log_level"`
	// An object: fields to add to every entry, with any JSON as values; they replace fields of the same name. Anything but an object is
	// ignored with a warning.
	ExtraFieldValues conf.Value `json:"extra_field_values"`
	// How long an entry waits at most for others to be sent along with it; by default what the kind of sender says.
	MaxSendInterval *conf.Duration `json:"max_send_interval"`
	// Where entries go that this destination refuses for good (new); "": they are only counted. By default the top level's.
	DeadLetterFile *string `json:"dead_letter_file"`
	// Events on which entries are sent (new), see docs/events.md; without any, all are.
	On conf.StringList `json:"on"`
	// Several ways that entries go (new), with events, formats and places of their own, see docs/events.md.
	Routes []RouteSettings `json:"routes"`
	// What led to a failure is sent, too, though filters had held it back (new): see below.
	FlightRecorder *recorder.Config `json:"flight_recorder"`
	MatchSettings
}

// Defaults; those of what the original has are its.
const (
	DefaultStateFile  = "journalpump_state.json"
	DefaultMaxLength  = 50000
	DefaultMaxBytes   = 5 << 20
	DefaultSlowSearch = conf.Duration(10e9)

	DefaultStopTimeout   = conf.Duration(10e9)
	DefaultDeadLetterMax = 100 << 20
)

func defaultConfig() *Config {
	return &Config{
		StateFile: DefaultStateFile,
		LogLevel:  LogLevel(slog.LevelInfo),
		Buffer:    Buffer{DefaultMaxLength, DefaultMaxBytes},

		BinarySettings: BinarySettings{BinaryFields: "python"},
		StopTimeout:    DefaultStopTimeout,
		DeadLetterMax:  DefaultDeadLetterMax,
	}
}

// defaultReader returns a reader of a configuration for which nothing is set.
func defaultReader(c *Config) *Reader {
	return &Reader{
		ReaderSettings: ReaderSettings{
			SlowSearch:     DefaultSlowSearch,
			Buffer:         c.Buffer,
			BinarySettings: c.BinarySettings,
		},
		Journal: journal.DefaultConfig(),
		Guard:   guard.DefaultConfig(),
	}
}

// settings are what the keys of a reader are decoded into.
func (r *Reader) settings() []any { return []any{&r.ReaderSettings, &r.Journal, &r.Guard} }

// LogLevel is how important our own messages must be to be written.
type LogLevel slog.Level //nolint:recvcheck // a value that decodes itself

// Level implements slog.Leveler.
func (l LogLevel) Level() slog.Level { return slog.Level(l) }

// DecodeConf implements conf.Decoder.
func (l *LogLevel) DecodeConf(v conf.Value) error {
	text, ok := v.Text()
	if !ok {
		number, ok := v.Number()
		if !ok {
			return fmt.Errorf("must be a name such as \"INFO\" or a number from 0 to 50, not %s", v.Kind())
		}
		text = string(number)
	}
	level, err := logging.ParseLevel(text)
	if err != nil {
		return fmt.Errorf("%w%s", err, conf.DidYouMean(text, []string{"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}))
	}
	*l = LogLevel(level)
	return nil
}

// InitialPosition is where senders without a saved position start.
type InitialPosition pump.Start

var errInitialPosition = errors.New(`must be "head", "tail" or a number of seconds since this boot began`)

// DecodeConf implements conf.Decoder.
func (p *InitialPosition) DecodeConf(v conf.Value) error {
	if text, ok := v.Text(); ok {
		switch text {
		case "head":
			*p = InitialPosition{Kind: pump.StartHead}
		case "tail":
			*p = InitialPosition{Kind: pump.StartTail}
		default:
			return errInitialPosition
		}
		return nil
	}
	var since conf.Duration
	if v.Kind() != conf.KindNumber || since.DecodeConf(v) != nil {
		return errInitialPosition
	}
	*p = InitialPosition{Kind: pump.StartBoot, Offset: since.Duration()}
	return nil
}

// BinaryFields is how values that are not UTF-8 are written.
type BinaryFields string

// ConfValues implements conf.Enum.
func (BinaryFields) ConfValues() []string { return []string{"python", "base64", "replace"} }

// Tags are tags of metrics. Numbers and booleans in the file count as their text.
type Tags map[string]string

// DecodeConf implements conf.Decoder.
func (t *Tags) DecodeConf(v conf.Value) error {
	o, ok := v.Object()
	if !ok {
		return fmt.Errorf("must be an object, not %s", v.Kind())
	}
	tags := Tags{}
	for name, value := range o.Members() {
		switch value.Kind() {
		case conf.KindString:
			tags[name], _ = value.Text()
		case conf.KindNumber, conf.KindBool:
			tags[name] = string(value.AppendJSON(nil))
		default:
			value.Errorf("must be a string, not %s", value.Kind())
		}
	}
	*t = tags
	return nil
}
