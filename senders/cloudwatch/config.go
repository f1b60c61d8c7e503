package cloudwatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/smithy-go/logging"

	"journalpump/internal/conf"
	"journalpump/pump"
)

// Config is the settings of an aws_cloudwatch sender.
type Config struct {
	// The log group; created if it isn't there.
	Group string `json:"aws_cloudwatch_log_group"`
	// The log stream in it; created if it isn't there.
	Stream string `json:"aws_cloudwatch_log_stream"`
	// The region. By default what AWS's own programs would take: from the environment, shared files, the machine's role.
	Region string `json:"aws_region"`
	// The credentials, both parts or none. By default those that AWS's own programs would take.
	KeyID conf.Secret `json:"aws_access_key_id"`
	// The other part of the credentials.
	SecretKey conf.Secret `json:"aws_secret_access_key"`
	// The URL of another service that speaks the same protocol (new). By default AWS's.
	Endpoint string `json:"aws_endpoint_url"`
}

// DefaultConfig returns the settings of a sender for which nothing is set.
func DefaultConfig() *Config { return &Config{} }

// See the API reference, CreateLogStream.
const (
	groupPattern  = `^[.\-_/#A-Za-z0-9]{1,512}$`
	streamPattern = `^[^:*]{1,512}$`
)

// Validate reports to o what is wrong with the settings.
func (c *Config) Validate(o *conf.Object) {
	validateName(o, "aws_cloudwatch_log_group", c.Group, groupPattern, "letters, digits and . - _ / #")
	validateName(o, "aws_cloudwatch_log_stream", c.Stream, streamPattern, "characters other than : and *")
	switch {
	case c.KeyID.IsZero() && !c.SecretKey.IsZero():
		o.Errorf("aws_access_key_id", "is required together with aws_secret_access_key")
	case !c.KeyID.IsZero() && c.SecretKey.IsZero():
		o.Errorf("aws_secret_access_key", "is required together with aws_access_key_id")
	}
	if c.Endpoint != "" && !isHTTP(c.Endpoint) {
		o.Errorf("aws_endpoint_url", "must be http://HOST[:PORT] or https://HOST[:PORT]")
	}
}

// RouteKey implements senders.Router.
func (c *Config) RouteKey() string { return "log_stream" }

// CheckRoute implements senders.Router.
func (c *Config) CheckRoute(to string) error {
	if to != "" && !regexp.MustCompile(streamPattern).MatchString(to) {
		return errors.New("must be 1 to 512 characters other than : and *")
	}
	return nil
}

func validateName(o *conf.Object, key, name, pattern, allowed string) {
	if name == "" {
		o.Errorf(key, "is required")
	} else if !regexp.MustCompile(pattern).MatchString(name) {
		o.Errorf(key, "must be 1 to 512 %s", allowed)
	}
}

func isHTTP(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != ""
}

// Limits says how large batches are: what mostly fits into one request. Their age is the original's max_send_interval.
func (c *Config) Limits() pump.BatchLimits {
	return pump.BatchLimits{Records: maxEvents, Bytes: maxBytes - 2500*eventOverhead, Age: 300 * time.Millisecond}
}

// openTimeout bounds Open: where no credentials are to be found, looking for them takes long.
const openTimeout = time.Minute

// Open connects to the service and creates group and stream.
func (c *Config) Open(ctx context.Context, name string, log *slog.Logger) (pump.Sender, error) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	client, idle, err := c.client(ctx, log.With("sender", name))
	if err != nil {
		return nil, err
	}
	s := &sender{api: client, group: c.Group, stream: c.Stream, log: log.With("sender", name), closeIdle: idle, made: map[string]bool{}}
	if err := s.ensureStream(ctx, c.Stream); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// client returns a client that tries everything once: the engine tries again. idle closes its idle connections.
// What AWS's packages have to say goes to log.
func (c *Config) client(ctx context.Context, log *slog.Logger) (client *cloudwatchlogs.Client, idle func(), err error) {
	options := []func(*awsconfig.LoadOptions) error{awsconfig.WithLogger(logging.LoggerFunc(func(class logging.Classification, format string, args ...any) {
		level := slog.LevelDebug
		if class == logging.Warn {
			level = slog.LevelWarn
		}
		log.Log(context.WithoutCancel(ctx), level, "the AWS SDK says", "text", fmt.Sprintf(format, args...))
	}))}
	if c.Region != "" {
		options = append(options, awsconfig.WithRegion(c.Region))
	}
	if !c.KeyID.IsZero() {
		keys := credentials.NewStaticCredentialsProvider(c.KeyID.Reveal(), c.SecretKey.Reveal(), "")
		options = append(options, awsconfig.WithCredentialsProvider(keys))
	}
	config, err := awsconfig.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, nil, fmt.Errorf("looking for the AWS configuration: %w", err)
	}
	if config.Region == "" {
		return nil, nil, errors.New("there is no AWS region: set aws_region, the environment variable AWS_REGION, or the shared configuration file")
	}
	buildable, ok := config.HTTPClient.(*awshttp.BuildableClient)
	if !ok {
		buildable = awshttp.NewBuildableClient()
	}
	transport := buildable.GetTransport() // with the settings that the configuration has for it, such as AWS_CA_BUNDLE
	client = cloudwatchlogs.NewFromConfig(config, func(o *cloudwatchlogs.Options) {
		o.Retryer = aws.NopRetryer{}
		o.HTTPClient = &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
		if c.Endpoint != "" {
			o.BaseEndpoint = aws.String(c.Endpoint)
		}
	})
	return client, transport.CloseIdleConnections, nil
}
