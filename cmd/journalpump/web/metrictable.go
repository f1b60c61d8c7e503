package web

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"journalpump/pump"
)

// What the metrics are made of. docs/metrics.md has the same table for people; a test holds them together.

type agentState struct {
	vital vital
	stuck bool
}

type readerState struct {
	*pump.ReaderSnapshot

	gaps pump.GapTotals // since the program's start
}

type senderState struct {
	*pump.SenderSnapshot

	ledger pump.Ledger    // what it accounts for since the program's start, but what is read and in flight
	gaps   pump.GapTotals // since the program's start
}

func agentMetrics() []metric[agentState] {
	def := func(name, help string, kind prometheus.ValueType, value func(agentState) (float64, bool)) metric[agentState] {
		return metric[agentState]{describe(name, help), kind, value}
	}
	return []metric[agentState]{
		def("stuck", "Whether a part of the program does not come back from a call, so that only a restart helps.", gauge,
			func(s agentState) (float64, bool) { return truth(s.stuck), true }),
		def("config_last_reload_successful", "Whether the last configuration was taken.", gauge,
			func(s agentState) (float64, bool) { return truth(s.vital.reloadErr == ""), true }),
		def("config_last_reload_success_timestamp_seconds", "When a configuration was last taken.", gauge,
			func(s agentState) (float64, bool) { return seconds(s.vital.reloadedAt) }),
		def("state_save_failures_total", "Attempts to save the state that failed.", counter,
			func(s agentState) (float64, bool) { return float64(s.vital.saveFailures), true }),
		def("state_last_save_timestamp_seconds", "When the state was last saved.", gauge,
			func(s agentState) (float64, bool) { return seconds(s.vital.savedAt) }),
	}
}

func readerMetrics() []metric[readerState] {
	def := func(name, help string, kind prometheus.ValueType, value func(readerState) int64) metric[readerState] {
		return metric[readerState]{describe("reader_"+name, help, "reader"), kind, func(s readerState) (float64, bool) { return float64(value(s)), true }}
	}
	return []metric[readerState]{
		def("up", "Whether the reader has a journal to read from.", gauge, func(s readerState) int64 {
			if s.Waiting == "" {
				return 1
			}
			return 0
		}),
		def("entries_read_total", "Entries read that at least one sender gets.", counter, func(s readerState) int64 { return s.Lines }),
		def("read_bytes_total", "Their size as JSON, the largest of the senders'.", counter, func(s readerState) int64 { return s.Bytes }),
		def("gaps_total", "Stretches of the journal that were gone or unreadable before they were read.", counter,
			func(s readerState) int64 { return s.gaps.Count }),
		def("gap_entries_total", "Entries in gaps, where that is known.", counter, func(s readerState) int64 { return s.gaps.Entries }),
		def("entries_corrupted_total", "Entries that could not be read and were passed over.", counter,
			func(s readerState) int64 { return s.Corrupted }),
		def("restarts_total", "How often the journal was opened anew because it had gone on without its reader.", counter,
			func(s readerState) int64 { return s.Stalls }),
		def("spooled_entries", "Entries that the vacuum guard keeps in its spool.", gauge, func(s readerState) int64 { return s.Spooled.Entries }),
		def("spooled_bytes", "Their size on disk.", gauge, func(s readerState) int64 { return s.Spooled.Bytes }),
	}
}

func senderMetrics() []metric[senderState] {
	def := func(name, help string, kind prometheus.ValueType, value func(senderState) (float64, bool)) metric[senderState] {
		return metric[senderState]{describe("sender_"+name, help, "reader", "sender", "type"), kind, value}
	}
	count := func(name, help string, kind prometheus.ValueType, value func(senderState) int64) metric[senderState] {
		return def(name, help, kind, func(s senderState) (float64, bool) { return float64(value(s)), true })
	}
	return []metric[senderState]{
		def("up", "Whether the sender is connected: its destination took, or could be reached for, what it last had.", gauge,
			func(s senderState) (float64, bool) { return truth(s.Health == pump.Connected), true }),
		count("entries_accepted_total", "Entries that the destination has taken.", counter, func(s senderState) int64 { return s.ledger.Accepted }),
		count("entries_filtered_total", "Entries that the sender's filters left out.", counter, func(s senderState) int64 { return s.ledger.Filtered }),
		count("entries_dead_lettered_total", "Entries that the destination refused for good.", counter,
			func(s senderState) int64 { return s.ledger.DeadLettered }),
		count("accepted_bytes_total", "Size of the entries that the destination has taken.", counter, func(s senderState) int64 { return s.SentBytes }),
		count("in_flight_entries", "Entries that are read, and neither accepted nor filtered nor dead letters yet.", gauge,
			func(s senderState) int64 { return s.Ledger.InFlight }),
		def("lag_entries", "Entries after the sender's position, estimated from the files' headers.", gauge,
			func(s senderState) (float64, bool) { return float64(s.Lag.Entries), lagKnown(s.SenderSnapshot) }),
		def("lag_seconds", "Between the time of the entry at the position and of the last one.", gauge,
			func(s senderState) (float64, bool) { return s.Lag.Age.Seconds(), lagKnown(s.SenderSnapshot) }),
		def("vacuum_loss_seconds", "Until journald deletes the first entry that the sender lacks, an estimate; only where it is known.", gauge,
			func(s senderState) (float64, bool) { return s.Loss.In.Seconds(), s.Loss.Known }),
		def("last_accepted_timestamp_seconds", "When a batch was last accepted.", gauge,
			func(s senderState) (float64, bool) { return seconds(s.LastSent) }),
		def("last_error_timestamp_seconds", "When the destination last refused or could not be reached.", gauge,
			func(s senderState) (float64, bool) { return seconds(s.LastErrorTime) }),
		count("gaps_total", "Gaps that the sender came upon.", counter, func(s senderState) int64 { return s.gaps.Count }),
		count("gap_entries_total", "Entries in gaps that the sender came upon, where that is known.", counter,
			func(s senderState) int64 { return s.gaps.Entries }),
		count("restarts_total", "How often the sender was started over because it did nothing with what it had.", counter,
			func(s senderState) int64 { return s.Stalls }),
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// seconds is a time as Prometheus has it; there is none for the zero one.
func seconds(t time.Time) (float64, bool) { return float64(t.UnixMilli()) / 1000, !t.IsZero() }
