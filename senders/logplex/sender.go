package logplex

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"journalpump/internal/retryafter"
	"journalpump/pump"
)

// sender is a pump.Sender.
type sender struct {
	url, token string
	client     *http.Client
	encoder    encoder
	id         []byte // reused
}

// Send posts a request. The batch is accepted when the server has answered 2xx.
func (s *sender) Send(ctx context.Context, b pump.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	body := s.encoder.encode(b.Records)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return hideURL(err)
	}
	req.SetBasicAuth("token", s.token)
	req.Header.Set("Content-Type", "application/logplex-1")
	req.Header.Set("Logplex-Msg-Count", strconv.Itoa(len(b.Records)))
	req.Header.Set("Logplex-Frame-Id", s.frameID(b))
	req.Header.Set("User-Agent", "journalpump")
	resp, err := s.client.Do(req)
	if err != nil {
		return hideURL(err)
	}
	defer resp.Body.Close()
	text := excerpt(resp.Body)
	return s.judge(resp, text)
}

// frameID returns what is the same when the same batch is sent again, and only then.
func (s *sender) frameID(b pump.Batch) string {
	var h xxhash.Digest
	h.Reset()
	s.id = s.id[:0]
	for i := range b.Records {
		s.id = b.Records[i].AppendID(s.id[:0])
		_, _ = h.Write(append(s.id, '\n')) // a hash does not fail
	}
	s.id = b.Records[0].AppendID(s.id[:0])
	return string(s.id) + "-" + hex.EncodeToString(h.Sum(nil))
}

// hideURL takes the URL, which may hold a secret, off an error of net/http.
func hideURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Errorf("posting: %w", e.Err)
	}
	return err
}

const (
	maxExcerpt = 200     // of an answer, in an error
	maxDrain   = 1 << 16 // of an answer that is read so that its connection can be used again
)

// excerpt returns the beginning of an answer in one line.
func excerpt(body io.Reader) string {
	b, _ := io.ReadAll(io.LimitReader(body, maxExcerpt)) // what there is will do
	_, _ = io.Copy(io.Discard, io.LimitReader(body, maxDrain))
	return strings.Join(strings.Fields(strings.ToValidUTF8(string(b), "?")), " ")
}

// judge makes of an answer what the engine has to do.
func (s *sender) judge(resp *http.Response, text string) error {
	status := resp.StatusCode
	if status >= 200 && status < 300 {
		return nil
	}
	err := fmt.Errorf("the server answered %d %s: %s", status, http.StatusText(status), strings.ReplaceAll(text, s.token, "***"))
	switch status {
	case http.StatusRequestEntityTooLarge:
		return fmt.Errorf("%w: %w", pump.ErrTooLarge, err)
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return pump.Permanent(err)
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("logplex_token was not accepted: %w", err)
	}
	if after := retryafter.Of(resp.Header, time.Now()); after > 0 {
		return pump.RetryAfter(err, after)
	}
	return err
}

// Close closes the connection.
func (s *sender) Close() error {
	s.client.CloseIdleConnections()
	return nil
}
