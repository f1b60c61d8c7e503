package config

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"

	"journalpump/filters"
	"journalpump/filters/condition"
	"journalpump/filters/format"
	"journalpump/filters/preset"
	"journalpump/internal/conf"
	"journalpump/pump"
	"journalpump/senders"
)

// RouteSettings is one of the ways that a sender's entries go.
type RouteSettings struct {
	// What IDs and dead letters tell the route by; each of a sender has another. By default its place, else its format.
	Name string `json:"name"`
	// Events of which one must happen; without any, all entries go this way.
	On conf.StringList `json:"on"`
	// A format, by name; by default entries go as they are.
	Format string `json:"format"`
	// Of kafka senders: the topic. By default the format's name, else kafka_topic.
	Topic string `json:"topic"`
	// Of elasticsearch and opensearch senders: the prefix of the indices.
	Index string `json:"index"`
	// Of file senders: the path.
	File string `json:"file"`
	// Of google_cloud_logging senders: the log.
	LogName string `json:"log_name"`
	// Of aws_cloudwatch senders: the stream, in the sender's group.
	Stream string `json:"log_stream"`
}

// place returns the key that says where to, and what it says.
func (r *RouteSettings) place() (key, to string) {
	for key, to := range map[string]string{"topic": r.Topic, "index": r.Index, "file": r.File, "log_name": r.LogName, "log_stream": r.Stream} {
		if to != "" {
			return key, to
		}
	}
	return "", ""
}

// to returns where the route's records go.
func (r *RouteSettings) to(s *Sender) string {
	_, to := r.place()
	if router, ok := s.Settings.(senders.Router); ok && to == "" && router.RouteKey() == "topic" {
		return r.Format // as in mod_kafka
	}
	return to
}

func (r *RouteSettings) name(s *Sender) string {
	for _, name := range []string{r.Name, r.to(s), r.Format} {
		if name != "" {
			return name
		}
	}
	return "all"
}

// RouteFormat returns the name of the format of a route of the sender, "" where its records are as they are.
func (s *Sender) RouteFormat(route string) string {
	for i := range s.Routes {
		if s.Routes[i].name(s) == route {
			return s.Routes[i].Format
		}
	}
	return ""
}

// routes returns the sender's routes. One without a list has one when it says on what events, and none otherwise.
func (s *Sender) routes() []RouteSettings {
	if len(s.Routes) == 0 && len(s.On) > 0 {
		return []RouteSettings{{Name: s.Name, On: s.On}}
	}
	return s.Routes
}

// markedName is a name that may be a part of an ID as it is.
var markedName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,` + strconv.Itoa(pump.MaxMark) + `}$`)

// mark makes a part of IDs of a route's name.
func mark(name string) string {
	if markedName.MatchString(name) {
		return name
	}
	return strconv.FormatUint(xxhash.Sum64String(name), 16)
}

// event finds an event by name: the reader's, the top level's, or one that comes with the program.
func event(name string, r *Reader, c *Config, presets map[string]filters.EventConfig) (filters.EventConfig, bool) {
	e, ok := lookup(name, r.Events, c.Events)
	if !ok {
		e, ok = presets[name]
	} else if e.Session == filters.SessionNone { // who names an event so means that
		e.Session = presets[name].Session
	}
	return e, ok
}

// formatOf finds a format likewise.
func formatOf(name string, r *Reader, c *Config) (format.Config, bool) {
	f, ok := lookup(name, r.Formats, c.Formats)
	if !ok {
		f, ok = preset.Formats()[name]
	}
	return f, ok
}

// routing fills in what a view has of a sender's routes.
func (s *Sender) routing(c *Config, r *Reader, config *filters.ViewConfig) error {
	routes := s.routes()
	if len(routes) == 0 {
		return nil
	}
	b := routeBuilder{
		sender: s, config: c, reader: r, presets: preset.Events(),
		numbers: map[string]int{}, formats: map[string]*format.Format{},
	}
	for i := range routes {
		out, err := b.route(&routes[i])
		if err != nil {
			return err
		}
		if len(s.Routes) > 0 { // else no other can be meant
			out.Route.Mark = mark(out.Route.Name)
		}
		config.Routes = append(config.Routes, out)
	}
	b.number(preset.Connect)
	b.number(preset.Disconnect)
	var err error
	config.Events, err = b.events()
	return err
}

// routeBuilder gathers the events that routes depend on.
type routeBuilder struct {
	sender  *Sender
	config  *Config
	reader  *Reader
	presets map[string]filters.EventConfig
	named   []condition.Named
	session []filters.Session
	numbers map[string]int            // by name
	formats map[string]*format.Format // by name
}

func (b *routeBuilder) route(r *RouteSettings) (out filters.RouteConfig, err error) {
	out.Route = &pump.Route{Name: r.name(b.sender), To: r.to(b.sender)}
	if !slices.Contains(r.On, preset.All) {
		for _, name := range r.On {
			out.On = append(out.On, b.number(name))
		}
	}
	if r.Format != "" {
		out.Format, err = b.format(r.Format)
	}
	return out, err
}

// format compiles a format once, so that an entry that goes several routes in it is formatted once.
func (b *routeBuilder) format(name string) (*format.Format, error) {
	if f, known := b.formats[name]; known {
		return f, nil
	}
	config, _ := formatOf(name, b.reader, b.config)
	f, err := format.New(&config, os.LookupEnv)
	if err != nil {
		return nil, err
	}
	b.formats[name] = f
	return f, nil
}

func (b *routeBuilder) number(name string) int {
	n, known := b.numbers[name]
	if !known {
		e, _ := event(name, b.reader, b.config, b.presets)
		n = len(b.named)
		b.named = append(b.named, condition.Named{Name: name, When: e.When})
		b.session = append(b.session, e.Session)
		b.numbers[name] = n
	}
	return n
}

func (b *routeBuilder) events() (events filters.Events, err error) {
	for n, s := range b.session {
		switch s {
		case filters.SessionStart:
			events.Connect = append(events.Connect, n)
		case filters.SessionEnd:
			events.Disconnect = append(events.Disconnect, n)
		case filters.SessionNone:
		}
	}
	events.Conditions, err = condition.New(b.named)
	return events, err
}

// validateEvents looks at the names of the events that o, the whole or a reader, defines.
func validateEvents(o *conf.Object) {
	if section, ok := o.Object("events"); ok && section.Has(preset.All) {
		section.Errorf(preset.All, "is any entry, and cannot be anything else")
	}
}

// validateRoutes reports what is wrong with a sender's routes.
func (r *Reader) validateRoutes(c *Config, s *Sender) {
	r.validateRoute(c, s.object, &RouteSettings{On: s.On})
	list, _ := s.object.Get("routes").List()
	if len(list) > 0 && len(s.On) > 0 {
		s.object.Errorf("on", "has no meaning beside routes; it belongs into them")
	}
	seen := map[string]bool{}
	for i, v := range list {
		o, ok := v.Object()
		if !ok || i >= len(s.Routes) {
			return // reported
		}
		route := &s.Routes[i]
		r.validateRoute(c, o, route)
		s.validatePlace(o, route)
		if name := route.name(s); seen[name] {
			o.Errorf("name", "must be given: another route is called %q, too, and the IDs of their records must differ", name)
		} else {
			seen[name] = true
		}
	}
}

func (r *Reader) validateRoute(c *Config, o *conf.Object, route *RouteSettings) {
	presets := preset.Events()
	for _, name := range route.On {
		if _, ok := event(name, r, c, presets); !ok && named("events", name, r.object, c.object).IsNull() {
			all := slices.Concat(names(r.Events, c.Events), names(presets, nil))
			o.Errorf("on", "there is no event %q; there are %s%s", name, strings.Join(all, ", "), conf.DidYouMean(name, all))
		}
	}
	if route.Format == "" {
		return
	}
	if _, ok := formatOf(route.Format, r, c); !ok && named("formats", route.Format, r.object, c.object).IsNull() {
		all := slices.Concat(names(r.Formats, c.Formats), names(preset.Formats(), nil))
		o.Errorf("format", "there is no format %q; there are %s%s", route.Format, strings.Join(all, ", "), conf.DidYouMean(route.Format, all))
	}
}

// validatePlace looks at where a route leads.
func (s *Sender) validatePlace(o *conf.Object, route *RouteSettings) {
	key, _ := route.place()
	router, ok := s.Settings.(senders.Router)
	switch {
	case s.Settings == nil:
	case key != "" && !ok:
		o.Errorf(key, "has no meaning here: all that a sender of this kind sends goes to one place")
	case key != "" && key != router.RouteKey():
		o.Errorf(key, "has no meaning here; where a route of this kind of sender leads is its %q", router.RouteKey())
	case ok:
		if err := router.CheckRoute(route.to(s)); err != nil {
			o.Errorf(router.RouteKey(), "%v", err)
		}
	}
}
