// Package elasticsearch sends entries to Elasticsearch (6 to 9) and OpenSearch (1 to 3), one index a day.
//
// Entries go through the bulk API with the operation `create` and an _id that is the entry's own for ever, so what is sent
// again is stored once. The answer says of each entry what became of it: what the server refuses for now is sent again,
// what it refuses for good becomes a dead letter with the server's reason. See docs/senders/elasticsearch.md.
//
// https://www.elastic.co/guide/en/elasticsearch/reference/8.19/docs-bulk.html and
// https://docs.opensearch.org/latest/api-reference/document-apis/bulk/ describe the bulk API.
package elasticsearch
