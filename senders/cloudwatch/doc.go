// Package cloudwatch sends entries to a log stream of Amazon CloudWatch Logs, each as one event whose message is its
// JSON. What PutLogEvents does not take in one request is split; what it takes only in part is told apart. See
// docs/senders/aws_cloudwatch.md.
package cloudwatch
