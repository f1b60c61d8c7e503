package elasticsearch

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/elastic/go-elasticsearch/v8/esapi"
	"github.com/tidwall/gjson"
)

// product is what the configuration says that the server is.
type product string

const (
	elasticsearch product = "elasticsearch"
	opensearch    product = "opensearch"
)

// mappingType is the one type that the indices of Elasticsearch before version 7 have, as the original calls it.
const mappingType = "journal_msg"

// dialect is what differs between servers.
type dialect struct {
	typed bool // indices have a type, which bulk requests must name: Elasticsearch before version 7
	// bare: the server has the bulk API and knows nothing of indices, as VictoriaLogs.
	bare bool
}

var errNoVersion = errors.New("this is no Elasticsearch or OpenSearch: it does not say which version it is of")

// dialect asks the server for its version.
func (s *server) dialect(ctx context.Context, p product) (dialect, error) {
	a, err := s.do(ctx, esapi.InfoRequest{}, s.timeout)
	switch {
	case err != nil:
		return dialect{}, err
	case a.status == http.StatusForbidden:
		// A user may be allowed to write and nothing else; then the version is taken for one of today.
		return dialect{}, nil
	case !a.ok():
		return dialect{}, s.refusal(a)
	}
	version := gjson.GetBytes(a.body, "version")
	number := version.Get("number").String()
	digits, _, _ := strings.Cut(number, ".")
	major, err := strconv.Atoi(digits)
	if err != nil {
		return dialect{}, errNoVersion
	}
	isOpenSearch := p == opensearch || version.Get("distribution").String() == "opensearch"
	return dialect{
		typed: !isOpenSearch && major < 7,
		bare:  !gjson.GetBytes(a.body, "cluster_name").Exists() && !gjson.GetBytes(a.body, "tagline").Exists(),
	}, nil
}
