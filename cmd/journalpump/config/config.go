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

	"journalpump/filters"
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
	StateFile     string   `json:"json_state_file_path"` // "" keeps no state
	LogLevel      LogLevel `json:"log_level"`
	Statsd        *Statsd  `json:"statsd"`
	Tags          Tags     `json:"tags"` // of every metric
	GeoIPDatabase string   `json:"geoip_database"`
	Filters
	MatchSettings
	Buffer
	BinaryFields   BinaryFields  `json:"binary_fields"`
	StopTimeout    conf.Duration `json:"stop_timeout"`
	DeadLetterFile string        `json:"dead_letter_file"`      // "" only counts what destinations refuse for good
	DeadLetterMax  conf.Size     `json:"dead_letter_max_bytes"` // 0: no limit

	Readers []*Reader // in the order of the file

	object *conf.Object
}

// Statsd is where metrics go. Without host or port they go nowhere.
type Statsd struct {
	Host   string `json:"host"`
	Port   uint16 `json:"port"`
	Prefix string `json:"prefix"` // put before every name as it is
	Tags   Tags   `json:"tags"`
}

// Filters are the filters that senders refer to by name. A reader's own come before those of the top level.
type Filters struct {
	FieldFilters  map[string]filters.FieldFilterConfig    `json:"field_filters"`
	UnitLogLevels map[string][]filters.UnitLogLevelConfig `json:"unit_log_levels"`
}

// MatchSettings lets only entries pass whose field has a value, or which lack the field. Without a key all pass.
type MatchSettings struct {
	MatchKey   string          `json:"match_key"`
	MatchValue json.RawMessage `json:"match_value"` // nil: entries that lack the field
}

// Buffer bounds what a sender holds at a time.
type Buffer struct {
	MaxLength int       `json:"msg_buffer_max_length"` // in entries
	MaxBytes  conf.Size `json:"msg_buffer_max_bytes"`  // 0: no bound of its own
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
	Initial             InitialPosition `json:"initial_position"`
	ExcludeSelf         bool            `json:"exclude_self"` // leave out what journalpump itself logs
	Searches            []search.Config `json:"searches"`
	SecretFilters       []secret.Config `json:"secret_filters"`
	SecretFilterMetrics bool            `json:"secret_filter_metrics"`
	SlowSearch          conf.Duration   `json:"threshold_for_metric_emit"`
	Tags                Tags            `json:"tags"` // of every metric of this reader
	Filters
	MatchSettings
	Buffer
	BinaryFields BinaryFields `json:"binary_fields"`
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
	OutputType       string         `json:"output_type"`
	FieldFilter      string         `json:"field_filter"`
	UnitLogLevel     string         `json:"unit_log_level"`
	ExtraFieldValues conf.Value     `json:"extra_field_values"`
	MaxSendInterval  *conf.Duration `json:"max_send_interval"` // nil: the kind's own
	DeadLetterFile   *string        `json:"dead_letter_file"`  // nil: the top level's
	// FlightRecorder lets the sender have what its filters held back when something happens; nil: it doesn't.
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

		StopTimeout:   DefaultStopTimeout,
		DeadLetterMax: DefaultDeadLetterMax,
	}
}

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
	*l = LogLevel(level)
	return err
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
