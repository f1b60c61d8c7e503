package explain

import (
	"fmt"
	"slices"
	"strings"

	"journalpump/cmd/journalpump/config"
	"journalpump/filters"
)

// cause puts into words what leaves an entry out; nil if nothing does.
func (e *Explainer) cause(s *sender, x *filters.Explanation) *LeftOut {
	switch x.Cause {
	case filters.Shown:
		return nil
	case filters.NoSearch:
		return &LeftOut{e.reader.Setting("searches"), "the reader has searches, and none of them matches"}
	case filters.OurOwn:
		return &LeftOut{e.reader.Setting("exclude_self"), "journalpump itself wrote it"}
	case filters.ReaderMatch:
		return &LeftOut{e.reader.MatchPlace(e.config, x.Index), mismatch(x)}
	case filters.SenderMatch:
		return &LeftOut{s.Setting("match_key"), mismatch(x)}
	case filters.UnitLevel:
		rule, place := s.LevelRule(e.config, e.reader, x.Index)
		why := fmt.Sprintf("%s is less severe than %s for glob %s (unit %s)", levelName(x.Level), levelName(x.Limit), rule.ServiceGlob, x.Unit)
		return &LeftOut{place, why}
	}
	return &LeftOut{Why: "for a reason that is not known here"}
}

func mismatch(x *filters.Explanation) string {
	want := x.Want
	if want == "null" {
		want = "absent or null"
	}
	if x.Got == "" {
		return fmt.Sprintf("there is no %s, and it must be %s", x.Key, want)
	}
	return fmt.Sprintf("%s is %s and must be %s", x.Key, shortened(x.Got), want)
}

// levelName returns a priority as the configuration writes it.
func levelName(level int8) string {
	names := strings.Split(config.LevelNames, ", ")
	if int(level) < len(names) && level >= 0 {
		return names[level]
	}
	return fmt.Sprintf("priority %d", level)
}

// change adds what becomes of a field.
func (e *Explainer) change(out *Sender, s *sender, f *filters.FieldFate) {
	c := Change{Field: f.Name, Before: f.Before, After: f.After}
	switch f.Fate {
	case filters.Kept:
		out.Same++
		if !f.Secret && !e.All {
			return
		}
		c.Kind = "same"
	case filters.Redacted:
		c.Kind = "redacted"
		for _, i := range f.By {
			c.By = append(c.By, e.reader.SecretPlace(i))
		}
	case filters.LeftOut:
		c.Kind, c.By = "left out", []config.Place{s.FieldFilterPlace(e.config, e.reader)}
	case filters.Replaced:
		c.Kind, c.By = "replaced", []config.Place{s.ExtraPlace(f.Name)} // what it is replaced by is a change of its own
	case filters.Hidden:
		c.Kind, c.Field = "hidden", f.Raw
		c.Note = "another field is called " + f.Name + " without its underscores, and the last one counts"
		if f.Name == "timestamp" || f.Name == "REALTIME_TIMESTAMP" {
			c.Note = "the entry's own time counts"
		}
	case filters.Added:
		c.Kind, c.By = "added", []config.Place{s.ExtraPlace(f.Name)}
	case filters.NotAdded:
		c.Kind, c.By = "not added", []config.Place{s.FieldFilterPlace(e.config, e.reader)}
	}
	if f.Secret && f.After != "" {
		c.Note = "what is masked here is sent: secret_filters apply to MESSAGE only"
	}
	out.Changes = append(out.Changes, c)
}

// maxShown is how many characters of a value are shown.
const maxShown = 400

// shortened cuts a long value.
func shortened(text string) string {
	runes := []rune(text)
	if len(runes) <= maxShown {
		return text
	}
	return fmt.Sprintf("%s… (%d characters)", string(runes[:maxShown]), len(runes))
}

// places joins the places that something comes from, each once.
func places(by []config.Place) string {
	texts := make([]string, 0, len(by))
	for _, p := range by {
		if text := p.String(); text != "" && !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, ", ")
}
