// Package googlelogging sends entries to Google Cloud Logging by its API's WriteLogEntries: an entry's JSON as a structured
// payload, with severity, time and an ID by which the service recognises what it has already. See
// docs/senders/google_cloud_logging.md.
package googlelogging
