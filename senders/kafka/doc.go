// Package kafka produces entries to Apache Kafka, one record each.
//
// A batch is spread over the partitions of its topics. Every partition gets its records in the order of the log, one
// request at a time; several partitions are served at once. An entry counts as accepted when the partition's leader has
// acknowledged it (with acks=all: it and all replicas in sync). What of a batch was not acknowledged is returned by
// record, so that only that is sent again. See docs/senders/kafka.md.
//
// The connections and the protocol are kafka-go's Client and Transport. Its Writer is not used: it queues, retries and
// reports in ways that lose sight of single records. Record batches (format version 2, KIP-98) are written here.
package kafka
