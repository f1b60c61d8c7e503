package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"journalpump/cmd/journalpump/config"
	"journalpump/internal/conf"
)

// choice is what --reader and --sender choose of a configuration.
type choice struct {
	reader string
	sender string // NAME or READER/NAME
}

func (o *choice) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.reader, "reader", "", "only this reader")
	cmd.Flags().StringVar(&o.sender, "sender", "", "only this sender: NAME, or READER/NAME where several have that name")
	completeNames(cmd)
}

// chosenReader is a reader with those of its senders that were chosen.
type chosenReader struct {
	*config.Reader
	senders []*config.Sender
}

func (r *chosenReader) has(sender string) bool {
	return slices.ContainsFunc(r.senders, func(s *config.Sender) bool { return s.Name == sender })
}

// of returns the readers and senders that were chosen, in the order of the configuration.
func (o *choice) of(c *config.Config) ([]chosenReader, error) {
	var chosen []chosenReader
	for _, r := range c.Readers {
		if o.reader == "" || o.reader == r.Name {
			chosen = append(chosen, chosenReader{r, r.Senders})
		}
	}
	if o.reader != "" && len(chosen) == 0 {
		return nil, unknownName("reader", o.reader, readerNames(c))
	}
	if o.sender == "" {
		return chosen, nil
	}
	return o.withSender(c, chosen)
}

func (o *choice) withSender(c *config.Config, readers []chosenReader) ([]chosenReader, error) {
	var chosen []chosenReader
	for _, r := range readers {
		r.senders = slices.DeleteFunc(slices.Clone(r.senders), func(s *config.Sender) bool {
			return o.sender != s.Name && o.sender != r.Name+"/"+s.Name
		})
		if len(r.senders) > 0 {
			chosen = append(chosen, r)
		}
	}
	if len(chosen) == 0 {
		return nil, unknownName("sender", o.sender, senderNames(c))
	}
	return chosen, nil
}

// findSender finds the one sender called NAME or READER/NAME.
func findSender(c *config.Config, name string) (*config.Reader, *config.Sender, error) {
	found, err := (&choice{sender: name}).of(c)
	if err != nil {
		return nil, nil, err
	}
	if len(found) > 1 {
		names := make([]string, len(found))
		for i := range found {
			names[i] = found[i].Name + "/" + found[i].senders[0].Name
		}
		return nil, nil, fmt.Errorf("%q may be %s: say which", name, strings.Join(names, " or "))
	}
	return found[0].Reader, found[0].senders[0], nil
}

// unknownName says that there is no such reader or sender, and which is probably meant.
func unknownName(kind, name string, known []string) error {
	plain := slices.Clone(known)
	for _, full := range known {
		if _, own, ok := strings.Cut(full, "/"); ok {
			plain = append(plain, own)
		}
	}
	if len(known) == 0 {
		return fmt.Errorf("there is no %s %q: the configuration has none", kind, name)
	}
	err := fmt.Errorf("there is no %s %q; the configuration has %s", kind, name, strings.Join(known, ", "))
	if meant := conf.Suggest(name, plain); meant != "" {
		return advise(err, "did you mean %s?", meant)
	}
	return err
}

func readerNames(c *config.Config) []string {
	names := make([]string, 0, len(c.Readers))
	for _, r := range c.Readers {
		names = append(names, r.Name)
	}
	return names
}

// senderNames returns the names of all senders, each with its reader's.
func senderNames(c *config.Config) []string {
	var names []string
	for _, r := range c.Readers {
		for _, s := range r.Senders {
			names = append(names, r.Name+"/"+s.Name)
		}
	}
	return names
}
