package googlelogging

import (
	"context"
	"crypto/tls"
	"fmt"

	"cloud.google.com/go/auth"
	googleauth "cloud.google.com/go/auth/credentials"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"journalpump/pump"
)

// dial returns a connection, which is made when it is used first. The generated client of apiv2 would do the same, but a
// program that does nothing else is 17.0 MB with it and 13.8 MB without.
func (c *Config) dial() (*grpc.ClientConn, error) {
	address, secure, err := c.target()
	if err != nil {
		return nil, pump.Permanent(err)
	}
	options := []grpc.DialOption{grpc.WithUserAgent("journalpump"), grpc.WithDisableServiceConfig(), grpc.WithDisableRetry()}
	if secure {
		found, err := c.credentials()
		if err != nil {
			return nil, err
		}
		options = append(options,
			grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS12})),
			grpc.WithPerRPCCredentials(&bearer{found}))
	} else {
		options = append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))
	}
	conn, err := grpc.NewClient(address, options...)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", address, err)
	}
	return conn, nil
}

func (c *Config) credentials() (*auth.Credentials, error) {
	options := &googleauth.DetectOptions{
		Scopes:           []string{"https://www.googleapis.com/auth/logging.write"},
		UseSelfSignedJWT: true, // no token has to be fetched
	}
	if c.Credentials.IsZero() {
		found, err := googleauth.DetectDefault(options)
		if err != nil {
			return nil, fmt.Errorf("looking for Google credentials (google_service_account_credentials is not set): %w", err)
		}
		return found, nil
	}
	found, err := googleauth.NewCredentialsFromJSON(googleauth.ServiceAccount, []byte(c.Credentials.Reveal()), options)
	if err != nil {
		return nil, pump.Permanent(fmt.Errorf("google_service_account_credentials cannot be used: %w", err))
	}
	return found, nil
}

// bearer adds the token to each call.
type bearer struct{ credentials *auth.Credentials }

// GetRequestMetadata implements credentials.PerRPCCredentials.
func (b *bearer) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	token, err := b.credentials.Token(ctx)
	if err != nil {
		return nil, fmt.Errorf("getting a token: %w", err)
	}
	return map[string]string{"authorization": "Bearer " + token.Value}, nil
}

// RequireTransportSecurity implements credentials.PerRPCCredentials.
func (*bearer) RequireTransportSecurity() bool { return true }
