package filters

import (
	"journalpump/pump"
)

// Inspector counts what a reader counts once, however many senders it has. It implements pump.Inspector.
type Inspector struct {
	stage *Stage
	views []*View
}

// NewInspector returns the inspector of a reader with that stage and its senders' views.
func NewInspector(stage *Stage, views []*View) *Inspector {
	return &Inspector{stage: stage, views: views}
}

// Inspect implements pump.Inspector. Lines are the entries that at least one view shows, and Bytes the sum of what is
// the largest body of each. Without views they are those that pass the stage and the bytes of all their fields.
func (n *Inspector) Inspect(c *pump.Chunk) pump.Inspection {
	s := n.stage.stage(c)
	result := pump.Inspection{Hits: s.hits, Slow: s.slow, SecretMatches: s.secretMatches}
	switch len(n.views) {
	case 0:
		result.Lines = int64(len(s.entries))
		for i := range s.entries {
			e := &s.entries[i]
			result.Bytes += int64(bodySize(e.size + int(e.realtimeLen) + int(e.isoLen)))
		}
	case 1:
		if n.views[0].router != nil { // its records are not its entries
			n.merge(c, &result)
			return result
		}
		r := n.views[0].render(c)
		result.Lines, result.Bytes, result.TooLong = int64(len(r.Records)), int64(r.Bytes), int64(len(r.tooLong))
	default:
		n.merge(c, &result)
	}
	return result
}

// merge counts entries that several views show.
func (n *Inspector) merge(c *pump.Chunk, result *pump.Inspection) {
	largest := make([]int, len(c.Entries)) // 0: no view shows it
	tooLong := make([]bool, len(c.Entries))
	for _, v := range n.views {
		r := v.render(c)
		for i := range r.Records {
			index := r.Records[i].Index
			largest[index] = max(largest[index], len(r.Records[i].Body))
		}
		for _, index := range r.tooLong {
			tooLong[index] = true
		}
	}
	for i, bytes := range largest {
		if bytes > 0 {
			result.Lines++
			result.Bytes += int64(bytes)
		}
		if tooLong[i] {
			result.TooLong++
		}
	}
}
