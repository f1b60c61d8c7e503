package logging

import (
	"context"
	"log/slog"
	"slices"
	"time"
)

// event is a message as sinks get it: its attributes are flat, and text already.
type event struct {
	time    time.Time // zero if it has none
	level   slog.Level
	message string
	fields  []field
}

// field is an attribute. The names of the groups it is in precede its own, each with a dot.
type field struct{ name, value string }

// sink writes events. It may be called concurrently.
type sink interface {
	write(e event) error
}

// handler is a slog.Handler that turns records into events.
type handler struct {
	level  slog.Leveler
	sink   sink
	fields []field // from WithAttrs
	group  string  // from WithGroup: "", or a prefix that ends in a dot
}

func (h *handler) Enabled(_ context.Context, level slog.Level) bool { return level >= h.level.Level() }

func (h *handler) Handle(_ context.Context, r slog.Record) error {
	fields := slices.Clip(h.fields) // shared with other records: appending must copy
	r.Attrs(func(a slog.Attr) bool {
		fields = appendAttr(fields, h.group, a)
		return true
	})
	return h.sink.write(event{time: r.Time, level: r.Level, message: r.Message, fields: fields})
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	with.fields = slices.Clip(h.fields)
	for _, a := range attrs {
		with.fields = appendAttr(with.fields, h.group, a)
	}
	return &with
}

func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	with := *h
	with.group += name + "."
	return &with
}

// appendAttr follows the rules of slog.Handler: values are resolved, empty attributes are left out, and a group
// without a name is part of what surrounds it.
func appendAttr(fields []field, prefix string, a slog.Attr) []field {
	a.Value = a.Value.Resolve()
	if a.Equal(slog.Attr{}) {
		return fields
	}
	if a.Value.Kind() != slog.KindGroup {
		return append(fields, field{prefix + a.Key, a.Value.String()})
	}
	if a.Key != "" {
		prefix += a.Key + "."
	}
	for _, member := range a.Value.Group() {
		fields = appendAttr(fields, prefix, member)
	}
	return fields
}
