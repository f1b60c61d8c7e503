// Package senders holds the table of the kinds of senders that this build has. To add one, write a package with a
// Config below this folder and give it a line in Kinds.
package senders

import (
	"context"
	"log/slog"

	"journalpump/internal/conf"
	"journalpump/pump"
	"journalpump/senders/cloudwatch"
	"journalpump/senders/elasticsearch"
	"journalpump/senders/file"
	"journalpump/senders/googlelogging"
	"journalpump/senders/kafka"
	"journalpump/senders/logplex"
	"journalpump/senders/rsyslog"
	"journalpump/senders/stdout"
	"journalpump/senders/websocket"
)

// Config is the settings of a kind of sender, decoded from the sender's object by json tags, next to the keys that all
// kinds share. A Config whose sender is a pump.Committer may also have a method CommitEvery() time.Duration, and one whose
// sender may need more than a minute SendLimit() time.Duration, see pump.SenderSpec.
type Config interface {
	// Validate reports to o what is wrong with the settings beyond their types. It neither connects nor opens anything.
	Validate(o *conf.Object)
	// Open connects to the destination. name is the sender's name in the configuration; log is for what an operator
	// wants to know and no error says.
	Open(ctx context.Context, name string, log *slog.Logger) (pump.Sender, error)
	// Limits says how large batches are and how long the first record of one waits.
	Limits() pump.BatchLimits
}

// A Router is a Config whose sender sends records where their routes lead: pump.Record.To.
type Router interface {
	// RouteKey is the key of a route that says where it leads, such as "topic".
	RouteKey() string
	// CheckRoute says what is wrong with a place; with "", whether the sender has one of its own.
	CheckRoute(to string) error
}

// A FileWriter is a Config whose sender writes files of this machine.
type FileWriter interface {
	// FileKey is the key of the settings that says which.
	FileKey() string
	// Fixed returns what is known before there are entries of where a route's records go, or with "" the sender's own: the file's path,
	// else one in the directory that has to be there.
	Fixed(to string) string
}

// Kind is a kind of sender.
type Kind struct {
	Name string        // its output_type
	Type string        // what the state file calls it: the original's class
	New  func() Config // a pointer to settings filled with defaults
}

// Kinds returns all kinds of senders.
func Kinds() []Kind {
	return []Kind{
		{"file", "FileSender", func() Config { return file.DefaultConfig() }},
		{"kafka", "KafkaSender", func() Config { return kafka.DefaultConfig() }},
		{"websocket", "WebsocketSender", func() Config { return websocket.DefaultConfig() }},
		{"elasticsearch", "ElasticsearchSender", func() Config { return elasticsearch.DefaultConfig() }},
		{"opensearch", "OpenSearchSender", func() Config { return elasticsearch.DefaultOpenSearchConfig() }},
		{"rsyslog", "RsyslogSender", func() Config { return rsyslog.DefaultConfig() }},
		{"logplex", "LogplexSender", func() Config { return logplex.DefaultConfig() }},
		{"aws_cloudwatch", "AWSCloudWatchSender", func() Config { return cloudwatch.DefaultConfig() }},
		{"google_cloud_logging", "GoogleCloudLoggingSender", func() Config { return googlelogging.DefaultConfig() }},
		{"stdout", "StdoutSender", func() Config { return stdout.DefaultConfig() }},
	}
}
